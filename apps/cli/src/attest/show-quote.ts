/** What a TDX or SGX quote says, believed by nobody yet. The words of the JSON are those of the test data. */
import {
  commonName,
  imageHash,
  policyFindings,
  type Quote,
  type QuotePlatform,
  readPckChain,
  readQuote,
} from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import { hex, instant, present, type Row, register, type View } from './view.ts';

const BODY_NAMES = { td10: 'TDX 1.0', td15: 'TDX 1.5', sgx: 'SGX' } as const;
const INTEL_VENDOR = '939a7233f79c4ca9940a0db3957f0607';
const PCK_CHAIN = 5;

/** @throws {MalformedError} not a quote */
export function viewQuote(bytes: Uint8Array): View {
  const quote = readQuote(bytes);
  const { body } = quote;
  const findings = policyFindings(quote);
  const vendor = hex(quote.qeVendor);
  const platform = platformOf(quote.platform);
  const image = hex(imageHash(quote, nodeCrypto));
  const json = {
    version: quote.version,
    tee: quote.tee,
    body: body.kind,
    qeVendor: vendor === INTEL_VENDOR ? 'intel' : vendor,
    certType: quote.platform.certificationType,
    unsignedTailBytes: quote.tail.length,
    ...platform.json,
    ...registersOf(body),
    reportData: hex(body.reportData),
    cocoonImageHash: image,
    policyFindings: findings,
  };
  return {
    title: `${BODY_NAMES[body.kind]} quote, version ${quote.version}`,
    json,
    rows: present([
      ['image hash', image],
      ...rowsOf(body),
      ['report data', register(body.reportData)],
      ['findings', findings.length === 0 ? 'none' : findings.join(', ')],
      'Platform',
      ...platform.rows,
      [
        'quoting enclave',
        vendor === INTEL_VENDOR ? `Intel's, ISVSVN ${quote.platform.qeReport.isvSvn}` : `vendor ${vendor}`,
      ],
      ['unsigned tail', quote.tail.length === 0 ? undefined : `${quote.tail.length} bytes that nobody signed`],
    ]),
  };
}

/** Registers by the names of the data. */
export function registersOf(body: Quote['body']): Record<string, unknown> {
  if (body.kind === 'sgx') {
    return {
      cpuSvn: hex(body.cpuSvn),
      miscSelect: hex(body.miscSelect),
      attributes: hex(body.attributes),
      mrEnclave: hex(body.mrEnclave),
      mrSigner: hex(body.mrSigner),
      isvProdId: body.isvProdId,
      isvSvn: body.isvSvn,
    };
  }
  return {
    teeTcbSvn: hex(body.teeTcbSvn),
    mrSeam: hex(body.mrSeam),
    tdAttributes: hex(body.tdAttributes),
    xfam: hex(body.xfam),
    mrTd: hex(body.mrTd),
    mrConfigId: hex(body.mrConfigId),
    mrOwner: hex(body.mrOwner),
    mrOwnerConfig: hex(body.mrOwnerConfig),
    rtmr: body.rtmr.map(hex),
    ...(body.teeTcbSvn2 && { teeTcbSvn2: hex(body.teeTcbSvn2) }),
    ...(body.mrServiceTd && { mrServiceTd: hex(body.mrServiceTd) }),
  };
}

function rowsOf(body: Quote['body']): (readonly [string, string | undefined])[] {
  if (body.kind === 'sgx') {
    return [
      ['MRENCLAVE', hex(body.mrEnclave)],
      ['MRSIGNER', hex(body.mrSigner)],
      ['product, version', `${body.isvProdId}, ${body.isvSvn}`],
      ['attributes', hex(body.attributes)],
    ];
  }
  return [
    ['MRTD', register(body.mrTd)],
    ...body.rtmr.map((rtmr, at) => [`RTMR${at}`, register(rtmr)] as const),
    ['MRCONFIGID', register(body.mrConfigId)],
    ['MROWNER', register(body.mrOwner)],
    ['MROWNERCONFIG', register(body.mrOwnerConfig)],
    ['MRSEAM', register(body.mrSeam)],
    ['TD attributes', hex(body.tdAttributes)],
    ['XFAM', hex(body.xfam)],
    ['TEE TCB SVN', hex(body.teeTcbSvn)],
    ['TEE TCB SVN 2', body.teeTcbSvn2 && hex(body.teeTcbSvn2)],
    ['MRSERVICETD', body.mrServiceTd && register(body.mrServiceTd)],
  ];
}

/** What the certificates say of the CPU; certificates that cannot be read are said to be that. */
function platformOf(platform: QuotePlatform): { json: Record<string, unknown>; rows: readonly Row[] } {
  if (platform.certificationType !== PCK_CHAIN) {
    return { json: {}, rows: [['certificates', `of type ${platform.certificationType}, which holds none`]] };
  }
  try {
    const { leaf, intermediate, extension, ca } = readPckChain(platform);
    const [notBefore, notAfter] = [instant(leaf.notBeforeMs), instant(leaf.notAfterMs)];
    return {
      json: {
        fmspc: extension.fmspc,
        pceId: extension.pceId,
        ppid: hex(extension.ppid),
        pckCa: ca ?? null,
        pckNotBefore: notBefore,
        pckNotAfter: notAfter,
        pceSvn: extension.pceSvn,
        pckCpuSvn: hex(extension.cpuSvn),
      },
      rows: present([
        ['FMSPC', extension.fmspc],
        ['PPID', hex(extension.ppid)],
        ['PCK certificate', `from ${notBefore} to ${notAfter}, by "${commonName(intermediate.subject) ?? 'nobody'}"`],
        ['PCE SVN', extension.pceSvn],
        ['CPU SVN', hex(extension.cpuSvn)],
      ]),
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { json: { pckFault: reason }, rows: [['PCK certificate', `cannot be read: ${reason}`]] };
  }
}

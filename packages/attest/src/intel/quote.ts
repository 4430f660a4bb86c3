/**
 * Layout of SGX quotes (version 3) and of SGX and TDX quotes (versions 4 and 5). Nothing is judged here.
 * Source: attestation.md §5.1 to §5.3.
 */
import { ByteReader } from '../bytes.ts';
import { MalformedError } from '../malformed.ts';

/** Bounds, in bytes. */
const MAX_QUOTE = 128 * 1024;
const MAX_QE_AUTH_DATA = 1024;
const MAX_CERTIFICATION_DATA = 64 * 1024;

const ECDSA_P256 = 2;
const QE_REPORT_CERTIFICATION = 6;
const TeeType = { sgx: 0, tdx: 0x81 } as const;
const BodyType = { sgx: 1, td10: 2, td15: 3 } as const;
const BODY_BYTES = { sgx: 384, td10: 584, td15: 648 } as const;

/** An enclave's report. */
export interface SgxBody {
  readonly kind: 'sgx';
  readonly cpuSvn: Uint8Array;
  /** 4 bytes, little-endian. */
  readonly miscSelect: Uint8Array;
  /** Flags and XFRM, 16 bytes. */
  readonly attributes: Uint8Array;
  readonly mrEnclave: Uint8Array;
  readonly mrSigner: Uint8Array;
  readonly isvProdId: number;
  readonly isvSvn: number;
  readonly reportData: Uint8Array;
}

/** A TD's report, of TDX 1.0 or 1.5. Registers have 48 bytes. */
export interface TdBody {
  readonly kind: 'td10' | 'td15';
  readonly teeTcbSvn: Uint8Array;
  readonly mrSeam: Uint8Array;
  readonly mrSignerSeam: Uint8Array;
  readonly seamAttributes: Uint8Array;
  /** 8 bytes, little-endian. */
  readonly tdAttributes: Uint8Array;
  readonly xfam: Uint8Array;
  readonly mrTd: Uint8Array;
  readonly mrConfigId: Uint8Array;
  readonly mrOwner: Uint8Array;
  readonly mrOwnerConfig: Uint8Array;
  readonly rtmr: readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  readonly reportData: Uint8Array;
  /** TDX 1.5: TCB of the module that runs now, where `teeTcbSvn` is the one the TD began under. */
  readonly teeTcbSvn2?: Uint8Array;
  /** TDX 1.5: the service TD that may move this one to another machine; zero if there is none. */
  readonly mrServiceTd?: Uint8Array;
}

/** All bytes are views of the quote. */
export interface Quote {
  readonly version: 3 | 4 | 5;
  readonly tee: 'tdx' | 'sgx';
  readonly qeVendor: Uint8Array;
  readonly userData: Uint8Array;
  readonly body: SgxBody | TdBody;
  /** What the attestation key signed. */
  readonly signed: Uint8Array;
  /** r ‖ s. */
  readonly signature: Uint8Array;
  /** Everything about the machine, the same in all its quotes: attestation key, QE report, certificates. */
  readonly platform: QuotePlatform;
  /** Signed bytes and authentication data: the whole quote but for its tail, which is signed by nobody. */
  readonly authenticated: Uint8Array;
  readonly tail: Uint8Array;
}

export interface QuotePlatform {
  readonly bytes: Uint8Array;
  /** X ‖ Y on P-256. */
  readonly attestationKey: Uint8Array;
  readonly qeReport: SgxBody;
  readonly qeReportBytes: Uint8Array;
  readonly qeReportSignature: Uint8Array;
  readonly qeAuthData: Uint8Array;
  readonly certificationType: number;
  readonly certificationData: Uint8Array;
}

/** @throws {MalformedError} not a quote of these versions, or of another kind of key than ECDSA P-256 */
export function readQuote(bytes: Uint8Array): Quote {
  if (bytes.length > MAX_QUOTE) throw new MalformedError(`quote of ${bytes.length} bytes, more than ${MAX_QUOTE}`);
  const from = new ByteReader(bytes);
  const version = from.uint16();
  if (version !== 3 && version !== 4 && version !== 5) throw new MalformedError(`quote of version ${version}`);
  const keyType = from.uint16();
  if (keyType !== ECDSA_P256) throw new MalformedError(`attestation key of type ${keyType}, not ECDSA P-256`);
  const teeType = from.uint32();
  if (teeType !== TeeType.sgx && (teeType !== TeeType.tdx || version === 3))
    throw new MalformedError(`TEE type ${teeType} in a quote of version ${version}`);
  const tee = teeType === TeeType.tdx ? 'tdx' : 'sgx';
  from.take(4); // SVNs of QE and PCE in version 3, reserved later
  const qeVendor = from.take(16);
  const userData = from.take(20);
  const kind = version === 5 ? readBodyKind(from, tee) : tee === 'tdx' ? 'td10' : 'sgx';
  const body = kind === 'sgx' ? readSgxBody(from.take(BODY_BYTES.sgx)) : readTdBody(from.take(BODY_BYTES[kind]), kind);
  const signed = bytes.subarray(0, from.at);
  const authentication = from.take(from.uint32());
  return {
    version,
    tee,
    qeVendor,
    userData,
    body,
    signed,
    ...readAuthentication(authentication, version),
    authenticated: bytes.subarray(0, from.at),
    tail: bytes.subarray(from.at),
  };
}

function readBodyKind(from: ByteReader, tee: Quote['tee']): keyof typeof BODY_BYTES {
  const type = from.uint16();
  const size = from.uint32();
  const kind = (['sgx', 'td10', 'td15'] as const).find((name) => BodyType[name] === type);
  if (kind === undefined || (kind === 'sgx') !== (tee === 'sgx') || size !== BODY_BYTES[kind])
    throw new MalformedError(`body of type ${type} and ${size} bytes in a quote for ${tee}`);
  return kind;
}

function readAuthentication(bytes: Uint8Array, version: number): Pick<Quote, 'signature' | 'platform'> {
  const from = new ByteReader(bytes);
  const signature = from.take(64);
  const attestationKey = from.take(64);
  if (version > 3) {
    const type = from.uint16();
    if (type !== QE_REPORT_CERTIFICATION) throw new MalformedError(`outer certification data of type ${type}`);
    const length = from.uint32();
    if (length !== from.left)
      throw new MalformedError(`outer certification data of ${length} bytes, ${from.left} left`);
  }
  const qeReportBytes = from.take(BODY_BYTES.sgx);
  const qeReportSignature = from.take(64);
  const qeAuthData = takeAtMost(from, from.uint16(), MAX_QE_AUTH_DATA, 'QE authentication data');
  const certificationType = from.uint16();
  const certificationData = takeAtMost(from, from.uint32(), MAX_CERTIFICATION_DATA, 'certification data');
  from.end();
  return {
    signature,
    platform: {
      bytes: bytes.subarray(64),
      attestationKey,
      qeReport: readSgxBody(qeReportBytes),
      qeReportBytes,
      qeReportSignature,
      qeAuthData,
      certificationType,
      certificationData,
    },
  };
}

function takeAtMost(from: ByteReader, length: number, most: number, what: string): Uint8Array {
  if (length > most) throw new MalformedError(`${what} of ${length} bytes, more than ${most}`);
  return from.take(length);
}

function readSgxBody(bytes: Uint8Array): SgxBody {
  const from = new ByteReader(bytes);
  const cpuSvn = from.take(16);
  const miscSelect = from.take(4);
  from.take(28);
  const attributes = from.take(16);
  const mrEnclave = from.take(32);
  from.take(32);
  const mrSigner = from.take(32);
  from.take(96);
  const isvProdId = from.uint16();
  const isvSvn = from.uint16();
  from.take(60);
  return {
    kind: 'sgx',
    cpuSvn,
    miscSelect,
    attributes,
    mrEnclave,
    mrSigner,
    isvProdId,
    isvSvn,
    reportData: from.take(64),
  };
}

function readTdBody(bytes: Uint8Array, kind: TdBody['kind']): TdBody {
  const from = new ByteReader(bytes);
  const body: TdBody = {
    kind,
    teeTcbSvn: from.take(16),
    mrSeam: from.take(48),
    mrSignerSeam: from.take(48),
    seamAttributes: from.take(8),
    tdAttributes: from.take(8),
    xfam: from.take(8),
    mrTd: from.take(48),
    mrConfigId: from.take(48),
    mrOwner: from.take(48),
    mrOwnerConfig: from.take(48),
    rtmr: [from.take(48), from.take(48), from.take(48), from.take(48)],
    reportData: from.take(64),
  };
  return kind === 'td10' ? body : { ...body, teeTcbSvn2: from.take(16), mrServiceTd: from.take(48) };
}

/** What a file of Intel's collateral covers and until when; nothing in it is verified here. */
import {
  COLLATERAL_FIELDS,
  type Collateral,
  commonName,
  MalformedError,
  readCertificate,
  readCrl,
  readPemCertificates,
} from '@bombyx/attest';
import { CliError } from '../usage.ts';
import { instant, present, type View } from './view.ts';

/** @throws {CliError} `CLI_CONFIG` naming each field that is missing or no text */
export function collateralOf(fields: Readonly<Record<string, unknown>>, file: string): Collateral {
  const wrong = COLLATERAL_FIELDS.filter((name) => typeof fields[name] !== 'string');
  if (wrong.length > 0) {
    throw new CliError('CLI_CONFIG', `the collateral ${file} lacks ${wrong.join(', ')}: all nine fields must be text`);
  }
  return Object.fromEntries(COLLATERAL_FIELDS.map((name) => [name, fields[name]])) as unknown as Collateral; // all nine are text
}

/** What collateral says it is for; nothing of it is verified. */
export function coverage(fields: Readonly<Record<string, unknown>>) {
  const tcb = datedOf(String(fields['tcb_info']));
  const issuer = crlOf(String(fields['pck_crl'])).issuer;
  return {
    tee: tcb.id?.toLowerCase(),
    fmspc: tcb.fmspc?.toLowerCase(),
    ca: /\b(Platform|Processor) CA$/.exec(issuer ?? '')?.[1]?.toLowerCase(),
    issuedAt: tcb.from ?? '',
  };
}

export function viewCollateral(fields: Readonly<Record<string, unknown>>, file: string): View {
  const collateral = collateralOf(fields, file);
  const tcb = datedOf(collateral.tcb_info);
  const qe = datedOf(collateral.qe_identity);
  const [rootCrl, pckCrl] = [crlOf(collateral.root_ca_crl), crlOf(collateral.pck_crl)];
  const json = { tcbInfo: tcb, qeIdentity: qe, rootCrl, pckCrl };
  const period = ({ from, until, fault }: Period) => fault ?? `${from} to ${until}`;
  return {
    title: `Intel's collateral for ${tcb.id ?? 'an unknown TEE'}, FMSPC ${tcb.fmspc ?? 'unknown'}`,
    json,
    rows: present([
      ['TCB info', period(tcb)],
      ['evaluation', tcb.evaluationNumber],
      ['QE identity', `${qe.id ?? 'unknown'}, ${period(qe)}`],
      ['root CRL', period(rootCrl)],
      ['PCK CRL', `${pckCrl.issuer === undefined ? '' : `of "${pckCrl.issuer}", `}${period(pckCrl)}`],
      ['signed by', signerOf(collateral.tcb_info_issuer_chain)],
    ]),
  };
}

interface Period {
  readonly from?: string;
  readonly until?: string;
  /** Why there is none. */
  readonly fault?: string;
}

interface Dated extends Period {
  readonly id?: string;
  readonly fmspc?: string;
  readonly evaluationNumber?: number;
}

function datedOf(text: string): Dated {
  try {
    const fields: unknown = JSON.parse(text);
    if (typeof fields !== 'object' || fields === null) return { fault: 'is no object' };
    const { id, fmspc, issueDate, nextUpdate, tcbEvaluationDataNumber } = fields as Readonly<Record<string, unknown>>;
    return {
      ...(typeof id === 'string' && { id }),
      ...(typeof fmspc === 'string' && { fmspc }),
      ...(typeof issueDate === 'string' && { from: issueDate }),
      ...(typeof nextUpdate === 'string' && { until: nextUpdate }),
      ...(typeof tcbEvaluationDataNumber === 'number' && { evaluationNumber: tcbEvaluationDataNumber }),
    };
  } catch {
    return { fault: 'is not JSON' };
  }
}

function crlOf(text: string): Period & { issuer?: string } {
  try {
    const crl = readCrl(new Uint8Array(Buffer.from(text, 'hex')));
    const issuer = commonName(crl.issuer);
    const [from, until] = [instant(crl.thisUpdateMs), instant(crl.nextUpdateMs)];
    return {
      ...(issuer !== undefined && { issuer }),
      ...(from !== undefined && { from }),
      ...(until !== undefined && { until }),
    };
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return { fault: `cannot be read: ${error.message}` };
  }
}

function signerOf(pem: string): string {
  try {
    return readPemCertificates(pem)
      .map((der) => commonName(readCertificate(der).subject) ?? '?')
      .join(' ← ');
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return `certificates that cannot be read: ${error.message}`;
  }
}

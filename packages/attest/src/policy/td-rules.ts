/** What Intel's rules leave to the relying party about a TD. Source: attestation.md §5.2, §6 (last part) and §8.3. */
import { toHex } from '../bytes.ts';
import { policyFindings } from '../intel/findings.ts';
import type { Quote, TdBody } from '../intel/quote.ts';
import type { Failure } from '../verdict.ts';
import type { AdmittedImage, TdxPolicy } from './policy.ts';

/** @param image the entry that admits the image, with attributes of its own if it has them */
export function* tdFaults(
  quote: Quote,
  body: TdBody,
  policy: TdxPolicy,
  image: AdmittedImage | undefined,
): Generator<Failure> {
  if (body.tdAttributes[0] !== 0) {
    yield {
      code: 'POLICY_DEBUG',
      message: 'the TD may be debugged: its host can read its memory',
      fix: 'start the TD without debugging; no policy admits one with it',
    };
  }
  const launch = 'launch the TD as the release does, or admit the image with the attributes it really needs';
  const attributes = toHex(body.tdAttributes);
  const wantedAttributes = image?.tdAttributes ?? policy.tdAttributes;
  if (attributes !== wantedAttributes) {
    const why = policyFindings(quote).join(', ') || 'unknown bits';
    const message = `TD attributes are ${attributes}, not ${wantedAttributes} (${why})`;
    yield { code: 'POLICY_TD_ATTRIBUTES', message, fix: launch };
  }
  if (!isServiceTd(body, policy.mrServiceTd)) {
    yield {
      code: 'POLICY_SERVICE_TD',
      message: 'a service TD is bound that the policy does not know: it can move this TD to another machine',
      fix: 'launch the TD without a migration TD',
    };
  }
  const xfam = toHex(body.xfam);
  const wantedXfam = image?.xfam ?? policy.xfam;
  if (xfam !== wantedXfam) yield { code: 'POLICY_XFAM', message: `XFAM is ${xfam}, not ${wantedXfam}`, fix: launch };
  const modules = image?.mrSeam ?? policy.mrSeam;
  const mrSeam = toHex(body.mrSeam);
  if (modules?.includes(mrSeam) === false) {
    yield {
      code: 'POLICY_MRSEAM',
      message: `the TDX module ${mrSeam} is not allowed`,
      fix: 'load a TDX module that the policy lists, or list this one',
    };
  }
}

/** Quotes of TDX 1.0 do not tell; there, none can act as long as MIGRATABLE is off, which the attributes show. */
function isServiceTd({ mrServiceTd }: TdBody, wanted: string): boolean {
  if (mrServiceTd === undefined) return /^0*$/.test(wanted);
  return toHex(mrServiceTd) === wanted;
}

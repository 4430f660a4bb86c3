/** What keeps a router from starting, told with what to do about it. */
import { exampleFile, RouterError, type RouterPlan } from '@bombyx/router';
import { portError } from '../ports.ts';
import { CliError } from '../usage.ts';

/** @param file the configuration, where there is one @returns a {@link CliError} in one sentence; other errors pass through */
export function startError(error: unknown, plan: RouterPlan, file: string | undefined): unknown {
  if (!(error instanceof RouterError)) return error;
  if (error.code === 'ROUTER_CERTIFICATE') {
    const what = `${error.message}; ${certificateRemedy(plan.certificateBase, file)}`;
    return new CliError('CLI_CONFIG', what, {}, { cause: error });
  }
  const where = file === undefined ? '' : `, on the command line or in ${file}`;
  const told = portError(error.cause, undefined, `choose another${where}`);
  return told instanceof CliError ? told : error;
}

function certificateRemedy(base: string | undefined, file: string | undefined): string {
  const origin = base === exampleFile.cert_base_name ? `${base} is the base name of the example: ` : '';
  const places = file === undefined ? '-C BASE' : `-C BASE or as cert_base_name in ${file}`;
  return `${origin}name BASE_cert.pem and BASE_key.pem of this machine with ${places}, or leave it out to show a certificate without a quote`;
}

/** The `Logger` port over pino: JSON lines on standard error, secrets redacted by name as a second line of defence. */
import type { Logger } from '@bombyx/base';
import { destination, type Logger as Pino, pino } from 'pino';

const secretNames = ['secret', 'secret_string', 'node_wallet_key', 'machine_specific_private_key', 'http_access_hash'];
/** Bytes of log kept for a disk that takes none; lines beyond are lost. */
const MAX_UNWRITTEN = 65_536;
const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;

/** @param verbosity 0 (fatal only) to 5 (everything), as `-v` of the C++ programs; 3 is info */
export function createLogger(role: string, verbosity = 3): Logger {
  const level = levels[Math.max(0, Math.min(verbosity, levels.length - 1))] ?? 'info';
  const redact = { paths: [...secretNames, ...secretNames.map((name) => `*.${name}`)], censor: '[secret]' };
  const to = destination({ fd: 2, sync: true, maxLength: MAX_UNWRITTEN });
  to.on('error', () => {}); // a disk that is full: the process goes on, and the lines follow when there is room
  return wrap(pino({ level, base: { role }, redact }, to));
}

function wrap(to: Pino): Logger {
  return {
    debug: (message, fields) => to.debug(plain(fields), message),
    info: (message, fields) => to.info(plain(fields), message),
    warn: (message, fields) => to.warn(plain(fields), message),
    error: (message, fields) => to.error(plain(fields), message),
    child: (fields) => wrap(to.child(plain(fields))),
  };
}

function plain(fields: Parameters<Logger['info']>[1] = {}): Record<string, unknown> {
  const entries = Object.entries(fields);
  return Object.fromEntries(entries.map(([name, value]) => [name, typeof value === 'bigint' ? String(value) : value]));
}

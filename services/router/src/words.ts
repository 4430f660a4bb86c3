/** The words of the C++ router's command line, read strictly: `8116@tdx`, `11001:localhost:11101@tdx:hash,hash`. Source: wire.md §2.1. */
import type { Policy } from '@bombyx/attest';
import { MAX_LIST } from './limits.ts';
import { PORT_TYPES, type PortPlan, type PortType } from './plan.ts';
import { isPolicyType, POLICY_TYPES, policyOfWords, privatePolicy } from './policies.ts';

/** Where a reader tells what is wrong; it goes on with something harmless, so that all faults are told at once. */
export type Tell = (fault: string) => void;

/** `port@policy[:hash,hash…]` */
export function readSocksPort(text: string, tell: Tell): PortPlan {
  const [place, policy] = splitPolicy(`-S ${text}`, text, tell);
  return { port: readPort(`-S ${text}`, place, tell), type: 'socks5', policy };
}

/** `port:host:port@policy[:hash,hash…]` */
export function readFixedPort(type: 'forward' | 'reverse', text: string, tell: Tell): PortPlan {
  const said = `${type === 'forward' ? '-F' : '-R'} ${text}`;
  const [place, policy] = splitPolicy(said, text, tell);
  const [port = '', host = '', to = '', ...more] = place.split(':');
  if (host === '' || to === '' || more.length > 0) {
    tell(`${said}: write port:host:port@policy`);
    return { port: 0, type, policy, destination: { host: '', port: 0 } };
  }
  return { port: readPort(said, port, tell), type, policy, destination: readDestination(said, host, to, tell) };
}

/** The older form: `port:type[:policy[:host:port]]`. */
export function readOldPort(text: string, tell: Tell): PortPlan {
  const said = `-p ${text}`;
  const [portText = '', typeText = '', policy = 'any', host, to, ...more] = text.split(':');
  const type = (PORT_TYPES as readonly string[]).includes(typeText) ? (typeText as PortType) : undefined;
  if (type === undefined) tell(`${said}: the type must be ${PORT_TYPES.join(', ')}`);
  if (more.length > 0 || (host === undefined) !== (to === undefined) || policy === '') {
    tell(`${said}: write port:type:policy:host:port`);
  }
  const port = readPort(said, portText, tell);
  const destination = host === undefined || to === undefined ? undefined : readDestination(said, host, to, tell);
  return { port, type: type ?? 'socks5', policy, destination: type === undefined ? undefined : destination };
}

/** `name:type[:hash,hash…]` @returns undefined after a fault was told */
export function readPolicy(text: string, tell: Tell): Policy | undefined {
  const said = `-P ${text}`;
  const [name = '', type = '', ...hashes] = text.split(':');
  if (!isPolicyType(type)) {
    tell(`${said}: the type must be ${POLICY_TYPES.join(', ')}`);
    return undefined;
  }
  const images = hashes.length === 0 ? undefined : readImages(said, hashes.join(','), tell);
  return images === null ? undefined : policyOfWords(name, type, images, tell);
}

/** @param size of one value in bytes @param text values with commas between them @returns null after a fault was told */
export function readHexList(said: string, text: string, size: number, tell: Tell): string[] | null {
  const values = text.split(',').map((value) => value.trim().toLowerCase());
  const wrong = values.find((value) => value.length !== 2 * size || !/^[0-9a-f]+$/.test(value));
  if (wrong !== undefined) {
    tell(`${said}: ${wrong === '' ? 'an empty list or value' : `"${wrong}"`} is not ${2 * size} hex digits`);
  } else if (values.length > MAX_LIST) tell(`${said}: more than ${MAX_LIST} values`);
  return wrong === undefined && values.length <= MAX_LIST ? values : null;
}

function readImages(said: string, text: string, tell: Tell): string[] | null {
  return readHexList(said, text, 32, tell);
}

/** Behind the `@`: a name, or a built-in one with hashes, which is a policy of this port alone. */
function splitPolicy(said: string, text: string, tell: Tell): [place: string, policy: PortPlan['policy']] {
  const at = text.indexOf('@');
  if (at < 0) {
    tell(`${said}: the policy is missing, write …@policy`);
    return [text, 'any'];
  }
  const [name = '', ...hashes] = text.slice(at + 1).split(':');
  const place = text.slice(0, at);
  if (hashes.length === 0) return [place, name];
  if (!isPolicyType(name)) {
    tell(`${said}: hashes can only stand behind ${POLICY_TYPES.join(', ')}; give "${name}" its own with -P`);
    return [place, 'any'];
  }
  const images = readImages(said, hashes.join(','), tell);
  return [place, images === null ? 'any' : privatePolicy(place, name, images, tell)];
}

/** Ports below 1024 are the system's. */
export function readPort(said: string, text: string, tell: Tell): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1024 && port <= 65_535) return port;
  tell(`${said}: "${text}" is not a port from 1024 to 65535`);
  return 0;
}

function readDestination(said: string, host: string, port: string, tell: Tell): { host: string; port: number } {
  if (!isHost(host)) tell(`${said}: "${host}" is neither an IPv4 address nor a host name`);
  return { host, port: readPort(said, port, tell) };
}

/** An IPv4 address or a host name: what looks like an address must be one. */
export function isHost(text: string): boolean {
  if (/^[\d.]+$/.test(text)) return text.split('.').length === 4 && text.split('.').every(isByte);
  return text.length <= 253 && /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text);
}

function isByte(text: string): boolean {
  return /^(0|[1-9]\d{0,2})$/.test(text) && Number(text) <= 255;
}

/** Ports on the loopback interface. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { CliError } from './usage.ts';

/** Ports that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  try {
    await Promise.all(servers.map((server) => once(server, 'listening')));
    return servers.map((server) => (server.address() as { port: number }).port);
  } finally {
    await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  }
}

/** @throws {CliError} `CLI_PORT_IN_USE` when something listens there already */
export async function assertPortFree(port: number, remedy: string): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    throw portError(error, port, remedy);
  } finally {
    if (server.listening) await new Promise((done) => server.close(done));
  }
}

/** Turns what the system says of a port to listen on into one sentence; other errors pass through. */
export function portError(error: unknown, port: number | undefined, remedy: string): unknown {
  const { code, syscall, port: said } = (error ?? {}) as NodeJS.ErrnoException & { readonly port?: number };
  if (syscall !== 'listen') return error;
  const name = port ?? said ?? '?';
  if (code === 'EADDRINUSE')
    return new CliError('CLI_PORT_IN_USE', `port ${name} is in use by another program; ${remedy}`);
  if (code === 'EACCES')
    return new CliError('CLI_PORT_IN_USE', `port ${name} needs privileges this user lacks; ${remedy}`);
  return error;
}

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { it } from 'node:test';
import { assertPortFree, portError } from './ports.ts';

const systemError = (code: string, syscall: string, port: number) =>
  Object.assign(new Error(`${syscall} ${code}`), { code, syscall, port });

it('says in one sentence that a port is taken, and what to do', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await assert.rejects(assertPortFree(port, 'choose another'), {
    code: 'CLI_PORT_IN_USE',
    message: `port ${port} is in use by another program; choose another`,
  });
  server.close();
  await once(server, 'close');
  await assertPortFree(port, 'choose another');
});

it('says of a port below 1024 that this user may not listen there', () => {
  assert.match(String(portError(systemError('EACCES', 'listen', 80), undefined, 'choose another')), /port 80 needs/);
});

for (const error of [
  systemError('EACCES', 'connect', 443), // a firewall
  systemError('EADDRINUSE', 'connect', 443), // all ports of this machine are in use
  Object.assign(new Error('spawn EACCES'), { code: 'EACCES', syscall: 'spawn node' }),
]) {
  it(`does not tell "${error.message}" as a problem with a port to listen on`, () => {
    assert.equal(portError(error, undefined, 'choose another'), error);
  });
}

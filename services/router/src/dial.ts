/** One TCP connection, to where a port leads. */
import net, { type Socket } from 'node:net';
import { guard, runStep, type StepContext } from '@bombyx/transport';
import { DIAL_TIMEOUT_MS } from './limits.ts';

/** @throws {TransportError} `TRANSPORT_CONNECT`, `TRANSPORT_TIMEOUT`, or the reason of `context.signal` */
export function dial(host: string, port: number, context: StepContext): Promise<Socket> {
  const socket = guard(net.connect({ host, port, family: 4, noDelay: true }));
  const step = {
    name: `connecting to ${host}:${port}`,
    timeoutMs: DIAL_TIMEOUT_MS,
    code: 'TRANSPORT_CONNECT',
  } as const;
  return runStep(socket, step, context, (resolve) => {
    const onConnect = () => resolve(socket);
    socket.once('connect', onConnect);
    return () => socket.off('connect', onConnect);
  });
}

/** The example of README.md, as a function that a test runs. */
import type { TlObject } from '@bombyx/wire';
import {
  anyPolicy,
  connect,
  createIdentity,
  fakeTdxPolicy,
  listen,
  QueryError,
  type TransportDeps,
} from '../src/index.ts';

export async function example(deps: TransportDeps): Promise<TlObject> {
  const identity = await createIdentity({ attestation: 'fake_tdx' });
  await using listener = await listen(
    { host: '127.0.0.1', port: 0, security: { kind: 'tls', identity, policy: anyPolicy(), pow: { difficulty: 8 } } },
    (peer) => ({
      onMessage: (message) => void peer.send(message), // an echo
      onQuery: async () => ({ kind: 'client.workerTypesV2', types: [] }),
    }),
    deps,
  );
  const connection = await connect(
    { host: '127.0.0.1', port: listener.port, security: { kind: 'tls', identity, policy: fakeTdxPolicy() } },
    () => ({ onMessage: () => {}, onQuery: () => Promise.reject(new QueryError(621, 'ask somebody else')) }),
    deps,
  );
  const types = await connection.query({ kind: 'client.getWorkerTypesV2' }, { timeoutMs: 5_000 });
  connection.close();
  return types;
}

/** A proxy on a real port that completes the handshake and keeps what workers say. */
import { silentLogger, systemClock } from '@bombyx/base';
import type { RootConfig } from '@bombyx/ton';
import { anyPolicy, type Connection, createIdentity, type Listener, listen } from '@bombyx/transport';
import type { Tl, TlObject } from '@bombyx/wire';
import { honest, ProxyParty, recordedRoot } from './fake-proxy.ts';
import { soon } from './soon.ts';

export interface ScriptedProxy extends AsyncDisposable {
  readonly port: number;
  /** The root configuration in which this proxy is the registered one. */
  readonly root: RootConfig;
  /** What the worker is told. */
  readonly party: ProxyParty;
  /** Goes on under other parameters, with other contracts. */
  move(root: RootConfig): void;
  /** Connections that completed the handshake. */
  readonly ready: Connection[];
  readonly heard: TlObject[];
  /** What the last handshake said. */
  params: Tl<'worker.params'> | undefined;
  disabled: boolean | undefined;
  /** Resolves when `holds` does; looks again whenever something arrived. */
  until(holds: () => boolean): Promise<void>;
}

export async function startScriptedProxy(options: { router?: boolean } = {}): Promise<ScriptedProxy> {
  const base = recordedRoot();
  let party = new ProxyParty(base);
  let replies = honest(party, 3);
  const ready: Connection[] = [];
  const heard: TlObject[] = [];
  const watchers: (() => void)[] = [];
  const arrived = () => {
    for (const watcher of watchers.splice(0)) watcher();
  };
  const identity = await createIdentity();
  const security = options.router
    ? ({ kind: 'router' } as const)
    : ({ kind: 'tls', identity, policy: anyPolicy(), pow: { difficulty: 1 } } as const);
  const listener: Listener = await listen(
    { host: '127.0.0.1', port: 0, security },
    (connection) => ({
      onMessage(message) {
        heard.push(message);
        arrived();
      },
      async onQuery(fn) {
        if (fn.kind === 'worker.connectToProxy') proxy.params = fn.params;
        if (fn.kind === 'worker.proxyHandshakeComplete') {
          proxy.disabled = fn.is_disabled;
          ready.push(connection);
        }
        setImmediate(arrived);
        return replies(fn);
      },
    }),
    { clock: systemClock, log: silentLogger },
  );
  const endpoint = { host: '127.0.0.1', port: listener.port };
  const proxy: ScriptedProxy = {
    port: listener.port,
    root: { ...base, registeredProxies: [{ seqno: 1, workers: endpoint, clients: endpoint }] },
    get party() {
      return party;
    },
    move(root) {
      party = new ProxyParty(root);
      replies = honest(party, 3);
    },
    ready,
    heard,
    params: undefined,
    disabled: undefined,
    async until(holds) {
      while (!holds()) await soon(new Promise<void>((resolve) => watchers.push(resolve)), 'something of the worker');
    },
    [Symbol.asyncDispose]: () => listener.close(),
  };
  return proxy;
}

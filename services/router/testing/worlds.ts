/** Routers, parts behind them and programs in front of them, all on loopback. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reportDataV1 } from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import { type Clock, type Logger, silentLogger, systemClock } from '@bombyx/base';
import { type CollateralStore, PeerVerifier } from '@bombyx/evidence';
import type { PeerPolicy } from '@bombyx/transport';
import { writeCertificate } from '../../../packages/transport/src/certificate-writer.ts';
import { judgeBy, type PortPlan, type Router, type RouterPlan, startRouter } from '../src/index.ts';

/** Certificate files as the C++ tools write them. */
export async function certificateFolder(): Promise<
  { plain: string; fake: string; renew(base: string): Promise<void> } & Disposable
> {
  const folder = mkdtempSync(join(tmpdir(), 'router-'));
  const renew = async (base: string) => {
    const quote = base.endsWith('fake') ? async (key: Buffer) => Buffer.from(reportDataV1(key, nodeCrypto)) : undefined;
    const { certificatePem, keyPem } = await writeCertificate(Date.now() - 60_000, quote);
    writeFileSync(`${base}_cert.pem`, certificatePem);
    writeFileSync(`${base}_key.pem`, keyPem);
  };
  const [plain, fake] = [join(folder, 'plain'), join(folder, 'fake')];
  await renew(plain);
  await renew(fake);
  return { plain, fake, renew, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface RunningRouter extends AsyncDisposable {
  readonly router: Router;
  readonly ports: readonly number[];
  /** Why connections did not come about. */
  readonly refusals: string[];
}

/** Another time, and what vendors say of machines then. */
export interface World {
  readonly clock?: Clock;
  readonly collateral?: CollateralStore;
  /** In place of a verifier. */
  readonly judge?: PeerPolicy;
}

/** @param ports with port 0 for any free one; puzzles are easy unless the plan says otherwise */
export async function route(
  ports: readonly Omit<PortPlan, 'port'>[],
  plan: Partial<RouterPlan> = {},
  { clock = systemClock, collateral, judge }: World = {},
): Promise<RunningRouter> {
  const refusals: string[] = [];
  const note: Logger['debug'] = (message, fields) => {
    if (message.startsWith('a connection did not') || message.startsWith('a connection was turned')) {
      refusals.push(`${fields?.['code'] ?? message}: ${fields?.['reason'] ?? ''}`);
    }
  };
  const log: Logger = { ...silentLogger, debug: note, info: note, child: () => log };
  const verifier = new PeerVerifier({}, { clock, log: silentLogger, ...(collateral && { collateral }) });
  const router = await startRouter(
    {
      threads: 0,
      serializeInfo: true,
      powDifficulty: 1,
      maxPowDifficulty: 28,
      policies: [],
      ...plan,
      ports: ports.map((port) => ({ port: 0, ...port })),
    },
    { clock, log, judgeOf: (policy) => judge ?? judgeBy(policy, verifier) },
  );
  return {
    router,
    ports: router.doors.map(({ port }) => port),
    refusals,
    async [Symbol.asyncDispose]() {
      await router[Symbol.asyncDispose]();
      await verifier[Symbol.asyncDispose]();
    },
  };
}

/** A plain TCP server that keeps what it got and echoes it if asked. */
export async function plainServer(onSocket: (socket: net.Socket) => void): Promise<{ port: number } & AsyncDisposable> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)));
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A raw TCP connection that keeps what it gets. */
export function raw(port: number): { socket: net.Socket; got(): Buffer; closed: Promise<void> } {
  const socket = net.connect(port, '127.0.0.1').on('error', () => {});
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return { socket, got: () => Buffer.concat(chunks), closed };
}

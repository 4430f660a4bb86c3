/** A PCCS on this machine, as honest or as hostile as a test wants. */
import { once } from 'node:events';
import { createServer, type OutgoingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Collateral } from '@bombyx/attest';

/** What is asked for. */
export type Part = 'tcb' | 'identity' | 'pckcrl' | 'rootcacrl';

export interface Reply {
  readonly status?: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly body: string | Buffer;
}

/** An answer that is none. */
export type Mischief = 'silence' | 'half' | 'close' | 'endless' | 'huge';

export type Behaviour = (part: Part, honest: Reply) => Reply | Mischief;

export class PccsServer implements AsyncDisposable {
  /** Paths asked for. */
  readonly asked: string[] = [];
  collateral: Collateral;
  behave: Behaviour = (_, honest) => honest;
  url = '';
  readonly #server: Server;

  private constructor(collateral: Collateral) {
    this.collateral = collateral;
    this.#server = createServer((request, response) => {
      const path = request.url ?? '';
      this.asked.push(path);
      response.on('error', () => {});
      const part = partOf(path);
      if (part === undefined) response.writeHead(400).end();
      else perform(this.behave(part, honestly(part, this.collateral)), response);
    });
  }

  static async open(collateral: Collateral): Promise<PccsServer> {
    const opened = new PccsServer(collateral);
    opened.#server.listen(0, '127.0.0.1');
    await once(opened.#server, 'listening');
    opened.url = `http://127.0.0.1:${(opened.#server.address() as AddressInfo).port}`;
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

function partOf(path: string): Part | undefined {
  if (/^\/tdx\/certification\/v4\/tcb\?fmspc=[0-9a-f]{12}$/.test(path)) return 'tcb';
  if (path === '/tdx/certification/v4/qe/identity') return 'identity';
  if (/^\/sgx\/certification\/v4\/pckcrl\?ca=(?:platform|processor)&encoding=der$/.test(path)) return 'pckcrl';
  return path === '/sgx/certification/v4/rootcacrl' ? 'rootcacrl' : undefined;
}

function honestly(part: Part, c: Collateral): Reply {
  const json = (text: string, signature: string, member: string, header: string, chain: string): Reply => ({
    headers: { 'content-type': 'application/json', [header]: encodeURIComponent(chain) },
    body: `{"${member}":${text},"signature":"${signature}"}`,
  });
  const crl = { 'content-type': 'application/pkix-crl' };
  switch (part) {
    case 'tcb':
      return json(c.tcb_info, c.tcb_info_signature, 'tcbInfo', 'TCB-Info-Issuer-Chain', c.tcb_info_issuer_chain);
    case 'identity': {
      const header = 'SGX-Enclave-Identity-Issuer-Chain';
      return json(c.qe_identity, c.qe_identity_signature, 'enclaveIdentity', header, c.qe_identity_issuer_chain);
    }
    case 'pckcrl': {
      const headers = { ...crl, 'SGX-PCK-CRL-Issuer-Chain': encodeURIComponent(c.pck_crl_issuer_chain) };
      return { headers, body: Buffer.from(c.pck_crl, 'hex') };
    }
    case 'rootcacrl':
      return { headers: crl, body: c.root_ca_crl };
  }
}

function perform(reply: Reply | Mischief, response: ServerResponse): void {
  if (typeof reply === 'object') {
    response.writeHead(reply.status ?? 200, reply.headers).end(reply.body);
    return;
  }
  const headers = { 'content-type': 'application/json' };
  switch (reply) {
    case 'silence':
      return;
    case 'half':
      response.writeHead(200, headers).write('{"tcbInfo":');
      return;
    case 'close':
      response.writeHead(200, { ...headers, 'content-length': 100_000 }).write('{"tcbInfo":');
      setTimeout(() => response.destroy(), 20);
      return;
    case 'huge':
      response.writeHead(200, { ...headers, 'content-length': 1_073_741_824 }).write('{');
      return;
    case 'endless': {
      const pour = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, ' ')));
        if (!response.destroyed) response.once('drain', pour);
      };
      response.writeHead(200, headers);
      pour();
    }
  }
}

/** Requests of a history: held, answered in one way or another, billed and charged as the proxy does it. */
import assert from 'node:assert/strict';
import { tokens as tokensOf } from '@bombyx/base';
import type { Parties, Party } from '../src/parties.ts';
import { Cashier, priceOf } from '../src/settle.ts';
import type { History } from './history.ts';
import { type Answer, answers } from './history-answers.ts';
import type { Life } from './settlement-rig.ts';

interface Running {
  readonly id: Buffer;
  readonly client: Party;
  readonly worker: Party;
  readonly held: bigint;
}

/** A payment as a client or worker got it. */
export interface Signed {
  readonly party: Party;
  readonly kind: 'charge' | 'payout';
  readonly data: Uint8Array;
  /** Logical time of the chain when it was handed out. */
  readonly lt: bigint;
}

/** Tokens held for a request at most. */
const MOST = 400_000n;

export class Requests {
  /** Tokens that requests have cost, by `contract/client`, and those that workers have earned, by `contract/worker`. */
  readonly used = new Map<string, bigint>();
  readonly earned = new Map<string, bigint>();
  readonly signed: Signed[] = [];
  /** Requests that were charged. */
  charges = 0;
  readonly #history: History;
  readonly #running: Running[] = [];

  constructor(history: History) {
    this.#history = history;
  }

  get running(): number {
    return this.#running.length;
  }

  /** What ran in a process that is dead. */
  forget(): void {
    this.#running.length = 0;
    this.#history.rig.running.clear();
  }

  /** @returns whether the request was taken */
  begin(who: 0 | 1, n: number): boolean {
    const { rig } = this.#history;
    if (!this.#history.isAlive || rig.life.isDead || rig.settlement.serving === undefined) return false;
    const parties = this.follow();
    const client = parties.client(this.#history.clients[who]!.name)!;
    const worker = parties.worker(this.#history.workers[n % 2]!.name)!;
    const { instance, owner } = client;
    // As the proxy admits.
    if (instance.phase !== 'serving' || (instance.clientContract(owner)?.state ?? 'running') !== 'running')
      return false;
    const available = instance.accounts.available(owner);
    const held = ((available < MOST ? available : MOST) * BigInt(n + 1)) / 100n;
    const id = Buffer.from(this.#history.random(32));
    if (held <= 0n || !instance.accounts.hold(id.toString('hex'), owner, tokensOf(held)).ok) return false;
    this.#running.push({ id, client, worker, held });
    this.#count(client, 1);
    return true;
  }

  /** Ends the oldest request, or another. */
  async finish(n: number, index = 0): Promise<void> {
    const { rig } = this.#history;
    const running = this.#running[index];
    if (!running || !this.#history.isAlive || rig.life.isDead) return;
    this.#running.splice(index, 1);
    const { id, client, worker, held } = running;
    const answer: Answer = answers[n % answers.length]!;
    const tokens = priceOf(answer.of(held), answer.cut, rig.config().multipliers);
    assert.ok(tokens.total <= held, 'nobody is charged above what was held');
    if (tokens.total > 0n) {
      if (!isLiving(rig.life)) return;
      const written = new Cashier({ keeper: rig.keeper, clock: rig.clock }).charge({ id, client, worker, tokens });
      if (answer.dies) {
        rig.life.isDead = true; // before it is on disk: nobody was told, and nobody is charged
        await this.#history.tend();
        await written.catch(() => undefined);
        return;
      }
      await written;
      this.charges += 1;
      const { contract } = client.instance;
      add(this.used, `${contract}/${client.owner}`, tokens.total);
      add(this.earned, `${contract}/${worker.owner}`, tokens.total);
    }
    client.instance.accounts.release(id.toString('hex'));
    this.#count(client, -1);
    if (n % 2 === 0) this.#keep(this.#history.parties!, client, worker);
  }

  /** A client and a worker get their newest signed payments. */
  handOut(who: 0 | 1): void {
    const parties = this.follow();
    const { clients, workers } = this.#history;
    this.#keep(parties, parties.client(clients[who]!.name)!, parties.worker(workers[who]!.name)!);
  }

  /** Parties under the contract that is served now. */
  follow(): Parties {
    const { opened } = this.#history.rig.settlement;
    const parties = this.#history.parties!;
    if (opened && opened.instance !== parties.serving?.instance) parties.serve(opened);
    return parties;
  }

  #count({ instance, owner }: Party, by: 1 | -1): void {
    const key = `${instance.contract}/${owner}`;
    this.#history.rig.running.set(key, (this.#history.rig.running.get(key) ?? 0) + by);
  }

  #keep(parties: Parties, client: Party, worker: Party): void {
    const lt = this.#history.rig.ledger.head.endLt;
    this.signed.push({ party: client, kind: 'charge', data: parties.charge(client, true).data, lt });
    this.signed.push({ party: worker, kind: 'payout', data: parties.payout(worker, true).data, lt });
  }
}

function isLiving(life: Life): boolean {
  try {
    life.act();
    return true;
  } catch {
    return false;
  }
}

function add(to: Map<string, bigint>, key: string, amount: bigint): void {
  to.set(key, (to.get(key) ?? 0n) + amount);
}

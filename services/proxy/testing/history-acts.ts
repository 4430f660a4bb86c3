/** What the people of a history do, and what is done to the proxy. Everything follows from a step's two numbers. */
import { nanoTon } from '@bombyx/base';
import {
  type Address,
  type ChainAccount,
  clientDataCell,
  clientRequest,
  initAddress,
  parseAddress,
  proxyRequest,
  readCell,
  readClientData,
  redirectExcess,
  type Transfer,
  walletRequest,
} from '@bombyx/ton';
import type { History, Place } from './history.ts';
import { type Person, TON } from './settlement-rig.ts';

/** What may happen, and how often. */
export const ACTS = {
  serve: 14,
  begin: 6,
  finish: 4,
  wait: 10,
  topUp: 4,
  withdraw: 2,
  ask: 2,
  flee: 1,
  raiseStake: 1,
  claim: 3,
  order: 3,
  kill: 2,
  doom: 6,
  fault: 4,
  forge: 2,
  replay: 2,
  owner: 2,
  backing: 1,
  price: 1,
  switch: 1,
} as const;

export interface Step {
  readonly act: keyof typeof ACTS;
  readonly who: 0 | 1;
  /** 0 to 99. */
  readonly n: number;
}

/** No answer of a chain is older. */
const MOST_STALE_MS = 120_000;
/** Seconds. */
const WAITS = [4, 8, 16, 40, 90, 310, 650] as const;

export class Acts {
  readonly #history: History;
  #price = 0n;

  constructor(history: History) {
    this.#history = history;
  }

  async perform({ act, who, n }: Step): Promise<void> {
    const { rig, requests, clients } = this.#history;
    const client = clients[who]!;
    switch (act) {
      case 'serve':
        if (this.#history.isAlive && rig.settlement.serving === undefined) await rig.pass(12, 4);
        if (requests.begin(who, n)) await requests.finish(n, requests.running - 1);
        return;
      case 'begin':
        return void requests.begin(who, n);
      case 'finish':
        return await requests.finish(n);
      case 'wait': {
        const seconds = WAITS[n % WAITS.length]!;
        await rig.pass(seconds, seconds > 40 ? 15 : 4);
        return await this.#history.checkContracts();
      }
      case 'topUp':
        return await this.#topUp(client, BigInt(n + 1) * 61_803_399n);
      case 'withdraw':
        return await this.#tell(client, clientRequest.withdraw({ queryId: 2n, excess: client.address }));
      case 'ask':
        return await this.#tell(client, clientRequest.askRefund({ queryId: 3n, excess: client.address }));
      case 'flee': {
        // Asks for everything while the proxy is dead, and takes it when its time is over.
        const place = this.#place();
        if (!place) return;
        const at = this.#history.contractOf('client', client, place);
        if (n % 2 === 0) await this.#back(place.proxy);
        rig.life.isDead = true;
        await this.#history.ask(client, at);
        await rig.leap(310);
        return await this.#history.ask(client, at);
      }
      case 'raiseStake': {
        const stake = nanoTon(TON + BigInt(n) * 10_000_000n);
        return await this.#tell(client, clientRequest.raiseStake({ queryId: 4n, excess: client.address, stake }));
      }
      case 'claim':
        return await this.#claim(who, n);
      case 'order':
        return this.#order(who, n);
      case 'kill':
        rig.life.isDead = true;
        if (n % 4 === 0) await rig.pass(40, 10);
        return;
      case 'doom':
        return rig.life.dieAfter(n % 8);
      case 'fault':
        return await this.#break(n);
      case 'forge':
        return await this.#forge(n);
      case 'replay':
        return await this.#replay(n);
      case 'owner':
        return await this.#owner(n);
      case 'backing': {
        const place = this.#place();
        return place && (await this.#back(place.proxy));
      }
      case 'price': {
        this.#price += 1n;
        return await rig.changePrices(1_000n + 117n * this.#price, 751n + 83n * this.#price);
      }
      case 'switch':
        return await this.#switch(n);
    }
  }

  async #topUp(client: Person, amount: bigint): Promise<void> {
    const place = this.#place();
    if (!place) return;
    const init = this.#history.rig.clientInit(client, place.proxy, place.root);
    const body = clientRequest.topUp({ queryId: 1n, excess: client.address, amount: nanoTon(amount) });
    await client.send({ to: initAddress(init), value: amount + TON, init, body });
  }

  /** To the client's contract under the newest proxy contract, or now and then an old one. */
  async #tell(client: Person, body: Transfer['body']): Promise<void> {
    const place = this.#place();
    if (place) await this.#history.rig.tell(this.#history.contractOf('client', client, place), body, client);
  }

  /** The owner of the proxy adds to its own stake. */
  async #back(proxy: Address): Promise<void> {
    const { owner } = this.#history.rig;
    const body = proxyRequest.raiseStake({ queryId: 5n, excess: owner.address, amount: nanoTon(TON) });
    await owner.send({ to: proxy, value: 2n * TON, body });
  }

  /** Somebody hands a signed payment in: a new one, or one that he has kept, or another's. */
  async #claim(who: 0 | 1, n: number): Promise<void> {
    const { rig } = this.#history;
    if (this.#history.isAlive && !rig.life.isDead && rig.settlement.serving && n % 3 === 0) {
      this.#history.requests.handOut(who);
    }
    const { signed } = this.#history.requests;
    const chosen = signed[n % 2 === 0 ? signed.length - 1 - who : n % Math.max(1, signed.length)];
    if (!chosen) return;
    const { party, kind, data } = chosen;
    const person = [...this.#history.clients, ...this.#history.workers].find(({ name }) => name === party.owner)!;
    const by = n % 5 === 0 ? this.#history.stranger : person;
    const place = this.#history.places.get(party.instance.contract)!;
    const init = kind === 'charge' ? undefined : rig.workerInit(person, place.proxy, place.root);
    const body = readCell(redirectExcess(data, by.address));
    await by.send({ to: parseAddress(party.contract), value: TON, body, ...(init ? { init } : {}) });
  }

  #order(who: 0 | 1, n: number): void {
    const { settlement } = this.#history.rig;
    if (!this.#history.isAlive) return;
    if (n % 3 === 0) settlement.chargeNow(this.#history.clients[who]!.name);
    else if (n % 3 === 1) settlement.payoutNow(this.#history.workers[who]!.name);
    else settlement.withdrawNow();
  }

  async #break(n: number): Promise<void> {
    const { rig } = this.#history;
    this.#history.mendAfter(2 + (n % 4));
    switch (n % 4) {
      case 0:
        rig.isDown = true;
        return;
      case 1:
        rig.losesExternals = true;
        return;
      case 2:
        rig.repeats = true;
        return;
      default: {
        const old = new Map<string, ChainAccount>();
        for (const at of this.#addresses()) {
          if (at.hash.readUInt8() % 3 !== n % 3) old.set(at.toRawString(), await rig.look(at));
        }
        const untilMs = rig.clock.nowMs() + MOST_STALE_MS;
        rig.distort = (account) =>
          (rig.clock.nowMs() < untilMs ? old.get(account.address.toRawString()) : undefined) ?? account;
      }
    }
  }

  /** A stranger says something in the name of somebody else. */
  async #forge(n: number): Promise<void> {
    const place = this.#place();
    if (!place) return;
    const { rig, stranger } = this.#history;
    const { proxy, root } = place;
    const value = n % 2 === 0 ? 1n : TON;
    switch (n % 3) {
      case 0: {
        const seqno = n % 2 === 0 ? 99 : 1;
        const body = proxyRequest.saveState({ queryId: 6n, seqno, session: this.#history.random(32) });
        return await stranger.send({ to: proxy, value: 1n, body });
      }
      case 1: {
        const said = await this.#messagesTo(proxy);
        const body = said[n % Math.max(1, said.length)];
        if (body) await stranger.send({ to: proxy, value, body });
        return;
      }
      default: {
        // A contract of the right code whose data were made up.
        const { code, data } = rig.clientInit(stranger, proxy, root);
        const rich = clientDataCell({ ...readClientData(data), balance: nanoTon(500n * TON) });
        const init = { code, data: rich };
        const body = clientRequest.withdraw({ queryId: 7n, excess: stranger.address });
        return await stranger.send({ to: initAddress(init), value: TON, init, body });
      }
    }
  }

  /** A stranger sends what somebody has sent before. */
  async #replay(n: number): Promise<void> {
    const addresses = this.#addresses();
    const to = addresses[n % addresses.length]!;
    const said = await this.#messagesTo(to);
    const body = said[(n * 7) % Math.max(1, said.length)];
    if (body) await this.#history.stranger.send({ to, value: 2n * TON, body });
  }

  async #owner(n: number): Promise<void> {
    const { rig } = this.#history;
    const { owner, wallet } = rig;
    const text = (command: 'w' | 'b' | 'u') =>
      owner.send({ to: wallet, value: TON / 2n, body: walletRequest.text(command) });
    switch (n % 5) {
      case 0:
        return await text('w');
      case 1:
        return await owner.send({ to: wallet, value: BigInt(n) * TON, bounce: false });
      case 2:
        return await text('b');
      case 3:
        return await text('u');
      default: {
        const place = this.#place();
        const body = proxyRequest.payEarnings({ queryId: 8n, excess: this.#history.stranger.address });
        if (place) await this.#history.stranger.send({ to: place.proxy, value: TON, body });
      }
    }
  }

  async #switch(n: number): Promise<void> {
    const { rig } = this.#history;
    if (n % 3 === 2) {
      const place = this.#place();
      if (place) await rig.owner.send({ to: place.proxy, value: TON, body: proxyRequest.text('c') });
      return;
    }
    if (!this.#history.isAlive) return;
    try {
      if (n % 3 === 0) rig.settlement.disable();
      else rig.settlement.enable();
    } catch (error) {
      if (!rig.life.isDead) throw error;
    }
  }

  /** A proxy contract to deal with: mostly the newest. */
  #place(): Place | undefined {
    const all = [...this.#history.places.values()];
    const [byte = 0] = this.#history.random(1);
    return byte < 220 ? all.at(-1) : all[byte % Math.max(1, all.length)];
  }

  #addresses(): Address[] {
    const { rig } = this.#history;
    const found = [rig.wallet, rig.root];
    for (const place of this.#history.places.values()) {
      found.push(place.proxy);
      for (const client of this.#history.clients) found.push(this.#history.contractOf('client', client, place));
      for (const worker of this.#history.workers) found.push(this.#history.contractOf('worker', worker, place));
    }
    return found;
  }

  async #messagesTo(at: Address): Promise<NonNullable<Transfer['body']>[]> {
    const all = await this.#history.rig.chain.transactions(at, undefined, 1_000);
    return all.flatMap(({ transaction: { inMessage } }) =>
      inMessage?.info.type === 'internal' ? [inMessage.body] : [],
    );
  }
}

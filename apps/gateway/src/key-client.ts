/** The client as the requests of one API key see it: what each costs is held before, and written before its answer ends. */
import type { AnswerSink, Client, ClientRequest, FinalInfo, HeaderList, Payer, RunningRequest } from '@bombyx/client';
import { ClientError } from '@bombyx/client';
import type { Hold, Key, Keys } from './keys.ts';

/** What starts requests. */
export type Starter = Pick<Client, 'run'>;

/** @param first covers the first proxy that gets the first request; what more there is, is held as it comes */
export function paidBy(key: Key, first: Hold, keys: Keys, client: Starter): Starter {
  let spare: Hold | undefined = first;
  return {
    run(request: ClientRequest, sink: AnswerSink): RunningRequest {
      const payer = new KeyPayer(key, spare, keys);
      spare = undefined;
      const paid = new PaidSink(sink, payer, () => running.cancel());
      const running = client.run({ ...request, payer }, paid);
      return {
        get id() {
          return running.id;
        },
        consumed: (bytes) => running.consumed(bytes),
        cancel() {
          running.cancel();
          payer.over();
        },
      };
    },
  };
}

class KeyPayer implements Payer {
  readonly name: string;
  readonly #key: Key;
  readonly #keys: Keys;
  /** Held already, and not taken by a proxy yet. */
  #spare: Hold | undefined;
  readonly #settled: Promise<void>[] = [];

  constructor(key: Key, spare: Hold | undefined, keys: Keys) {
    this.name = key.name;
    this.#key = key;
    this.#spare = spare;
    this.#keys = keys;
  }

  hold(most: bigint): ((bill: bigint | undefined) => void) | undefined {
    let hold = this.#spare;
    if (hold === undefined || hold.most < most) {
      this.over(); // a request can have grown, when it was translated
      try {
        hold = this.#keys.holdNow(this.#key, most);
      } catch {
        return undefined; // over a cap, or not to be recorded: the request stays where it is
      }
    }
    this.#spare = undefined;
    const { settle } = hold;
    return (bill) => this.#settled.push(settle(bill));
  }

  /** What no proxy has taken is free again. */
  over(): void {
    if (this.#spare) this.#settled.push(this.#spare.settle(0n));
    this.#spare = undefined;
  }

  /** Resolves when every bill that has come is on disk. */
  async written(): Promise<void> {
    await Promise.all(this.#settled);
  }
}

/**
 * Keeps the end of an answer back until it is paid, with the bytes that came along with it: what arrives in one turn is
 * passed on behind it, so that the last part is known as such.
 */
class PaidSink implements AnswerSink {
  readonly #sink: AnswerSink;
  readonly #payer: KeyPayer;
  readonly #cancel: () => void;
  #calls: (() => void)[] = [];
  #ending = false;

  constructor(sink: AnswerSink, payer: KeyPayer, cancel: () => void) {
    this.#sink = sink;
    this.#payer = payer;
    this.#cancel = cancel;
  }

  head(status: number, reason: string, headers: HeaderList): void {
    this.#later(() => this.#sink.head(status, reason, headers));
  }

  part(bytes: Buffer): void {
    this.#later(() => this.#sink.part(bytes));
  }

  end(final: FinalInfo): void {
    this.#end(() => this.#sink.end(final));
  }

  error(error: ClientError): void {
    this.#end(() => this.#sink.error(error));
  }

  #later(call: () => void): void {
    this.#calls.push(call);
    if (this.#calls.length > 1) return;
    queueMicrotask(() => {
      if (!this.#ending) this.#pass();
    });
  }

  #end(last: () => void): void {
    this.#ending = true;
    this.#payer.over();
    this.#payer.written().then(
      () => {
        this.#calls.push(last);
        this.#pass();
      },
      (cause: unknown) => {
        const text = 'what the answer cost could not be recorded';
        const error = new ClientError('CLIENT_NOT_READY', text, { retryAfterMs: 1_000, cause });
        this.#calls = [() => this.#sink.error(error)];
        this.#pass();
      },
    );
  }

  /** A sink that throws loses its request, as it would at the client. */
  #pass(): void {
    const calls = this.#calls;
    this.#calls = [];
    try {
      for (const call of calls) call();
    } catch {
      this.#cancel();
    }
  }
}

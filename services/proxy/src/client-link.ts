import type { Connection } from '@bombyx/transport';
import type { TlObject } from '@bombyx/wire';
import type { Party } from './parties.ts';
import type { Work } from './work.ts';

/** One ready client connection. */
export class ClientLink {
  readonly connection: Connection;
  readonly party: Party;
  readonly version: number;
  /** Its requests, by the client's own ids. */
  readonly works = new Map<string, Work>();
  #blocked = false;
  readonly #resumed: (link: ClientLink) => void;

  /** @param resumed called when the connection takes bytes again after it was blocked */
  constructor(options: { connection: Connection; party: Party; version: number }, resumed: (link: ClientLink) => void) {
    this.connection = options.connection;
    this.party = options.party;
    this.version = options.version;
    this.#resumed = resumed;
  }

  /** Whether the connection is full: answer bytes wait with their requests meanwhile. */
  get blocked(): boolean {
    return this.#blocked;
  }

  get gone(): boolean {
    return this.connection.signal.aborted;
  }

  send(message: TlObject): void {
    if (this.connection.send(message) || this.#blocked || this.gone) return;
    this.#blocked = true;
    this.connection.drained().then(
      () => {
        this.#blocked = false;
        this.#resumed(this);
      },
      () => {}, // the connection ended: whoever owns it hears so through its signal
    );
  }
}

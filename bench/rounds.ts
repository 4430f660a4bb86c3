/** Targets measured in turns, round after round, so that a slow minute of the machine hits all; the median counts. */
import type { LoadOptions, LoadResult } from './load.ts';
import { load } from './processes.ts';

export interface Target {
  readonly name: string;
  readonly port: number;
}

export interface Load {
  readonly name: string;
  readonly body: string;
}

export interface Row extends LoadResult {
  readonly load: string;
  readonly connections: number;
  readonly target: string;
}

export interface RoundsOptions {
  readonly targets: readonly Target[];
  readonly loads: readonly Load[];
  readonly connections: readonly number[];
  readonly rounds: number;
  /** Of one measurement, and of the warming of one target: compiled code is what runs in production. */
  readonly durationMs: number;
  readonly warmupMs: number;
  readonly headers: LoadOptions['headers'];
  /** Called around each measurement. @returns called after it */
  readonly around: (target: Target, load: Load, connections: number) => (result: LoadResult) => void;
}

export class Rounds {
  readonly #rows: Row[] = [];
  readonly #options: RoundsOptions;

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { targets, loads, connections, rounds, durationMs, warmupMs, headers, around } = this.#options;
    for (const { body } of loads) {
      for (const { port } of targets)
        await load({ port, connections: 50, warmupMs: 0, durationMs: warmupMs, body, headers });
    }
    for (let round = 0; round < rounds; round++) {
      for (const of of loads) {
        for (const c of connections) {
          for (const target of targets) {
            const done = around(target, of, c);
            const result = await load({
              port: target.port,
              connections: c,
              warmupMs: 0,
              durationMs,
              body: of.body,
              headers,
            });
            done(result);
            this.#rows.push({ load: of.name, connections: c, target: target.name, ...result });
          }
        }
      }
    }
  }

  /** The median of each figure; errors add up. */
  medians(): Row[] {
    const { loads, connections, targets } = this.#options;
    return loads.flatMap(({ name }) =>
      connections.flatMap((c) => targets.map((target) => this.median(name, c, target.name))),
    );
  }

  median(load: string, connections: number, target: string): Row {
    const all = this.#of(load, connections, target);
    const mid = (figure: keyof LoadResult) => median(all.map((row) => row[figure]));
    return {
      load,
      connections,
      target,
      perSecond: mid('perSecond'),
      requests: mid('requests'),
      p50: mid('p50'),
      p99: mid('p99'),
      firstByteP50: mid('firstByteP50'),
      errors: all.reduce((sum, row) => sum + row.errors, 0),
    };
  }

  /** Requests per second of `target` over those of `base`, each round compared with itself. */
  ratio(load: string, connections: number, target: string, base: string): number {
    const bases = this.#of(load, connections, base);
    return median(this.#of(load, connections, target).map((row, i) => row.perSecond / bases[i]!.perSecond));
  }

  #of(load: string, connections: number, target: string): Row[] {
    return this.#rows.filter((row) => row.load === load && row.connections === connections && row.target === target);
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

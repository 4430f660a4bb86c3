/** What `bombyx costs` and `bombyx earnings` have in common: a diary, read and shown by day, model and party. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatTon } from '@bombyx/base';
import { checkDay, csvOf, DIMENSIONS, DiaryError, type Dimension, type Row, readDiary } from '@bombyx/diary';
import { dataFolderOf, folderOptions } from '../data-folder.ts';
import { table } from '../table.ts';
import { type Arguments, CliError, type Command } from '../usage.ts';

interface Report {
  readonly name: string;
  readonly summary: string;
  /** Whose diary it is, and the file's name in the data folder. */
  readonly part: 'client' | 'worker';
  readonly file: string;
  /** Heading of the party's column, e.g. `API key`. */
  readonly party: string;
}

/** The diary is a report and not the books: it may lack the last second before a crash. */
export function reportCommand({ name, summary, part, file, party }: Report): Command {
  return {
    name,
    summary,
    options: {
      from: { type: 'string', value: 'YYYY-MM-DD', help: 'first day, UTC (default: all)' },
      to: { type: 'string', value: 'YYYY-MM-DD', help: 'last day, UTC (default: all)' },
      by: { type: 'string', value: 'LIST', help: `one line for each of: ${DIMENSIONS.join(', ')} (default day,model)` },
      csv: { type: 'string', value: 'FILE', help: 'write CSV to FILE, - for the terminal' },
      ...folderOptions(part),
    },
    examples: [
      `bombyx ${name}`,
      `bombyx ${name} --from 2026-01-01 --to 2026-01-31 --by model,party`,
      `bombyx ${name} --by day,model,party --csv ${name}.csv`,
    ],
    async run(args) {
      const by = dimensionsOf(args);
      const path = join(await dataFolderOf(part, args), file);
      const rows = readDiary(path, { fromDay: dayOf(args, 'from'), toDay: dayOf(args, 'to'), by });
      const csv = args.text('csv');
      if (csv === '-') process.stdout.write(csvOf(rows, by));
      else if (csv !== undefined) writeCsv(csv, csvOf(rows, by));
      if (args.flag('json') && csv !== '-') for (const row of rows) console.log(jsonOf(row));
      else if (csv === undefined)
        console.log(rows.length === 0 ? `Nothing is recorded in ${path}.` : tableOf(rows, by, party));
      else if (csv !== '-') console.log(`${rows.length} lines written to ${csv}`);
      return 0;
    },
  };
}

function dimensionsOf(args: Arguments): readonly Dimension[] {
  const by = (args.text('by') ?? 'day,model').split(',');
  const known = DIMENSIONS.filter((dimension) => by.includes(dimension));
  if (known.length === by.length) return known;
  throw new CliError('CLI_USAGE', `--by takes ${DIMENSIONS.join(', ')}, joined by commas, not "${by.join()}"`);
}

function dayOf(args: Arguments, option: string): string | undefined {
  const day = args.text(option);
  try {
    if (day !== undefined) checkDay(day);
  } catch (error) {
    if (!(error instanceof DiaryError)) throw error;
    throw new CliError('CLI_USAGE', `--${option}: ${error.message}`);
  }
  return day;
}

function writeCsv(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: 0o600 });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError('CLI_USAGE', `${file} cannot be written: ${reason}`, {}, { cause });
  }
}

/** Sums as text: they may be larger than a JSON number holds exactly. */
function jsonOf(row: Row): string {
  const json = { ...row, ton: formatTon(row.nanoTon) };
  return JSON.stringify(json, (_name, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
}

function tableOf(rows: readonly Row[], by: readonly Dimension[], party: string): string {
  const names: Readonly<Record<Dimension, string>> = { day: 'Day', model: 'Model', party };
  const cellsOf = (row: Pick<Row, 'requests' | 'total' | 'nanoTon'>) => [
    row.requests.toString(),
    row.total.toString(),
    formatTon(row.nanoTon),
  ];
  const lines = rows.map((row) => [...by.map((dimension) => row[dimension] ?? ''), ...cellsOf(row)]);
  if (rows.length > 1) {
    const sum = (of: 'requests' | 'total' | 'nanoTon') => rows.reduce((all, row) => all + row[of], 0n);
    const all = { requests: sum('requests'), total: sum('total'), nanoTon: sum('nanoTon') };
    lines.push([...by.map((_, column) => (column === 0 ? 'Sum' : '')), ...cellsOf(all)]);
  }
  const right = [...by.map(() => false), true, true, true];
  return table([...by.map((dimension) => names[dimension]), 'Requests', 'Tokens', 'TON'], lines, right);
}

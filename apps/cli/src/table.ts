/** Tables for people at a terminal. */

/** Text that a stranger may have chosen, without what would steer the terminal. */
export function plain(text: string): string {
  return text.replace(/\p{C}/gu, '?');
}

/** @param right whether a column is of numbers, which stand right @returns lines, the first of them the headings */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly boolean[],
): string {
  const lines = [headings, ...rows].map((cells) => cells.map(plain));
  const widths = headings.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  return lines
    .map((cells) =>
      cells
        .map((cell, column) => (right[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

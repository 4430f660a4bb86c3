/** Where a text stops being JSON: V8 names the place of some faults only, and quotes the text of others. */

/**
 * The shortest beginning of `text` that nothing could complete ends with the fault.
 * @returns what is wrong, to complete "the file …", with the line and the column, both from 1, and nothing of the text
 *   itself; undefined for JSON
 */
export function jsonFault(text: string): string | undefined {
  if (isJson(text)) return undefined;
  if (mayGoOn(text)) return `is not JSON: it ends too early, ${placeOf(text, text.length)}`;
  let goesOn = 0;
  let broken = text.length;
  while (broken - goesOn > 1) {
    const middle = (goesOn + broken) >>> 1;
    if (mayGoOn(text.slice(0, middle))) goesOn = middle;
    else broken = middle;
  }
  return `is not JSON: the fault is ${placeOf(text, goesOn)}`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether `text` is JSON, or the beginning of one: then the only fault is at its end. */
function mayGoOn(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    const { message } = error as SyntaxError;
    const position = / at position (\d+)/.exec(message)?.[1];
    return position === undefined ? message.startsWith('Unexpected end') : Number(position) >= text.length;
  }
}

function placeOf(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `in line ${before.length}, column ${before.at(-1)!.length + 1}`;
}

/** JSON that a person wrote or fetched: what breaks it is told by its place, and nothing of its content is repeated. */

/** @returns what is wrong, to complete "the file …"; undefined for JSON */
export function jsonFault(text: string): string | undefined {
  const said = refusal(text);
  if (said === undefined) return undefined;
  if (said.startsWith('Unexpected end'))
    return `breaks off at position ${text.length}: it is only the beginning of JSON`;
  const [, why, place] = /^(.*?)(?: in JSON| after JSON)? at position (\d+)/.exec(said) ?? [];
  const position = place === undefined ? firstUnexpected(text) : Number(place);
  return `is not JSON from position ${position} on: ${(why ?? 'unexpected character').toLowerCase()}`;
}

function refusal(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return (error as SyntaxError).message;
  }
}

/** The parser keeps the place of an unexpected character to itself; what stands before it is the beginning of some JSON. */
function firstUnexpected(text: string): number {
  let [fine, broken] = [0, text.length];
  while (broken - fine > 1) {
    const middle = (fine + broken) >>> 1;
    if (refusal(text.slice(0, middle))?.startsWith('Unexpected token')) broken = middle;
    else fine = middle;
  }
  return fine;
}

/** One string with the colon behind it, if it is a name; or a brace. */
const TOKEN = /("[^"\\]*(?:\\.[^"\\]*)*")\s*(:)?|[{}]/g;

/**
 * JSON.parse takes the last of two members of one name, so a second one can open what a reader saw closed.
 * @param json text that JSON.parse accepts
 * @returns the first name that stands twice in one object, however deep and however it is spelled
 */
export function doubledName(json: string): string | undefined {
  const open: Set<string>[] = [];
  for (const [token, text, colon] of json.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set());
    else if (token === '}') open.pop();
    if (text === undefined || colon === undefined) continue;
    const name = JSON.parse(text) as string; // two spellings of one name are one name
    const names = open.at(-1);
    if (names?.has(name)) return name;
    names?.add(name);
  }
  return undefined;
}

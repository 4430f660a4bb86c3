/** The data fields of a server-sent event stream, in order. @param response body in UTF-8 */
export async function* sseData(response: Response): AsyncGenerator<string, void, undefined> {
  let rest = '';
  for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split(/\r?\n/);
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data:')) yield line.slice(5).trimStart();
  }
}

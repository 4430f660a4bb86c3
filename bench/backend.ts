/** An inference server that costs next to nothing: fixed answers, no delay. Run as a process of its own: `PORT`. */
import { createServer } from 'node:http';

const EVENTS = 100;
const usage = { prompt_tokens: 34, completion_tokens: 17, total_tokens: 51 };
const answer = Buffer.from(
  JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: 'bench',
    choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'xxxxx '.repeat(10) } }],
    usage,
  }),
);
const chunk = (fields: object) =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'bench', ...fields })}\n\n`;
const event = Buffer.from(chunk({ choices: [{ index: 0, delta: { content: 'xxxxx' }, finish_reason: null }] }));
const last = Buffer.from(`${chunk({ choices: [], usage: { ...usage, completion_tokens: EVENTS } })}data: [DONE]\n\n`);
const models = JSON.stringify({ object: 'list', data: [{ id: 'bench', object: 'model' }] });

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'application/json' }).end(models);
    return;
  }
  let body = '';
  request.setEncoding('latin1');
  request.on('data', (text: string) => {
    body += text;
  });
  request.on('end', () => {
    const endless = /bench-bytes-(\d+)/.exec(body);
    if (endless) flood(Number(endless[1]));
    else if (body.includes('"stream":true')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let sent = 0; sent < EVENTS; sent++) response.write(event);
      response.end(last);
    } else {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length }).end(answer);
    }
  });

  /** Streams `left` bytes of events, no faster than they are read. */
  function flood(left: number): void {
    const block = Buffer.concat(Array.from({ length: 256 }, () => event));
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' });
    while (left > 0) {
      left -= block.length;
      if (!response.write(block)) {
        response.once('drain', () => flood(left));
        return;
      }
    }
    response.end(last);
  }
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log(JSON.stringify({ event: 'ready' })));

/** The least a hop over HTTP costs in Node: `node:http` in, `node:http` out, nothing looked at. `PORT TARGET_PORT`. */
import { Agent, createServer, request as send } from 'node:http';

const [port, target] = process.argv.slice(2).map(Number);
const agent = new Agent({ keepAlive: true, maxSockets: 256, noDelay: true });

createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const { method, url, headers } = request;
  const upstream = send({ agent, host: '127.0.0.1', port: target!, method: method!, path: url!, headers }, (answer) => {
    response.writeHead(answer.statusCode!, answer.headers);
    answer.pipe(response);
  });
  upstream.on('error', () => response.destroy());
  request.pipe(upstream);
}).listen(port, '127.0.0.1', () => console.log(JSON.stringify({ event: 'ready' })));

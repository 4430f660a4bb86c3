import { Bench } from 'tinybench';
import { network, request } from '../testing/network.ts';
import { httpResponse, usage } from '../testing/scripted-proxy.ts';

/** Requests per second through the client alone: no socket; the run message is encoded and decoded once, answers are not. */
const bench = new Bench({ name: 'client/requests', time: 500 });
const { client, proxy } = await network();
const answer = httpResponse('{"ok":true}');
const final_info = { kind: 'bombyx.finalInfo', flags: 0, tokens_used: usage(10n, 20n) } as const;
const sink = { head() {}, part() {}, end() {}, error() {} };

function answered(parts: number): void {
  const running = client.run(request(), sink);
  const request_id = proxy.runId();
  proxy.messages.length = 0;
  proxy.sayUnchecked({ kind: 'bombyx.answerHead', request_id, answer, flags: 0 });
  for (let i = 0; i < parts; i += 1) {
    proxy.sayUnchecked({ kind: 'bombyx.answerPart', request_id, data: answer, flags: 0 });
    running.consumed(answer.length);
  }
  proxy.sayUnchecked({ kind: 'bombyx.answerPart', request_id, data: Buffer.alloc(0), flags: 1, final_info });
}

for (const parts of [1, 100]) bench.add(`answer in ${parts} part${parts > 1 ? 's' : ''}`, () => answered(parts));
await bench.run();
console.table(bench.table());

import { silentLogger, systemClock } from '@bombyx/base';
import { startEngine } from '@bombyx/engine';

await using engine = await startEngine({ port: 0 }, { clock: systemClock, log: silentLogger });
const response = await fetch(`http://127.0.0.1:${engine.port}/v1/chat/completions`, {
  method: 'POST',
  body: JSON.stringify({ model: 'bombyx-tiny', messages: [{ role: 'user', content: 'What is COCOON?' }] }),
});
console.log(await response.json());

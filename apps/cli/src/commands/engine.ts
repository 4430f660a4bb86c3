/** `bombyx engine`: the embedded model behind an OpenAI API. */
import { parseEngineConfig, startEngine } from '@bombyx/engine';
import { roleCommand } from '../role-command.ts';

export const engine = roleCommand({
  name: 'engine',
  summary: 'Serve the embedded model, or another GGUF file, over HTTP',
  parse: parseEngineConfig,
  async open(config, deps, scope) {
    const opened = scope.use(await startEngine(config, deps));
    return { port: opened.port, model: config.modelName };
  },
});

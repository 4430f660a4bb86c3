import type { Client, ModelInfo } from '@bombyx/client';
import { GatewayError } from './errors.ts';

/** One entry of `/v1/models`; `workers` is COCOON's addition to OpenAI's shape (client.md §7). */
function entry(model: ModelInfo) {
  return {
    id: model.id,
    object: 'model',
    created: 0,
    owned_by: 'cocoon',
    workers: model.workers.map((worker) => ({
      coefficient: worker.coefficient,
      running_requests: worker.runningRequests,
      max_running_requests: worker.maxRunningRequests,
    })),
  };
}

/** Answer to `GET /v1/models`. @throws what `client.models` throws */
export async function listModels(client: Client) {
  return { object: 'list', data: (await client.models()).map(entry) };
}

/** Answer to `GET /v1/models/{id}`. @param id percent-encoded or not. @throws {GatewayError} `GATEWAY_MODEL_NOT_FOUND` */
export async function retrieveModel(client: Client, id: string) {
  const decoded = percentDecoded(id);
  const model = (await client.models()).find((one) => one.id === decoded);
  if (!model) throw new GatewayError('GATEWAY_MODEL_NOT_FOUND', 'no worker serves this model', { param: 'model' });
  return entry(model);
}

/** The model of a request that names none. @throws {GatewayError} `GATEWAY_MISSING_MODEL` unless exactly one is served */
export async function onlyModel(client: Client): Promise<string> {
  const models = await client.models();
  const [first] = models;
  if (first && models.length === 1) return first.id;
  const message = first ? 'several models are served: name one in header x-bombyx-model' : 'no model is served now';
  throw new GatewayError('GATEWAY_MISSING_MODEL', message, { param: 'model' });
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

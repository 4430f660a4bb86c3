/** What the server's thread and the model's thread say to each other. */
import type { EngineErrorCode } from './errors.ts';
import type { FinishReason, GenerateRequest } from './generate.ts';

export type ToModel =
  | { readonly kind: 'generate'; readonly id: number; readonly request: GenerateRequest }
  | { readonly kind: 'embed'; readonly id: number; readonly inputs: readonly (readonly number[])[] }
  | { readonly kind: 'abort'; readonly id: number }
  | { readonly kind: 'count'; readonly id: number };

export type FromModel =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly code: EngineErrorCode; readonly message: string }
  | { readonly kind: 'text'; readonly id: number; readonly choice: number; readonly text: string }
  | {
      readonly kind: 'finish';
      readonly id: number;
      readonly choice: number;
      readonly reason: FinishReason;
      readonly tokens: number;
    }
  | { readonly kind: 'vector'; readonly id: number; readonly index: number; readonly vector: Float32Array }
  /** The job ended by itself; an aborted job says nothing more. */
  | { readonly kind: 'done'; readonly id: number }
  /** Answer to `count`: tokens that went through the network since the start. */
  | { readonly kind: 'counted'; readonly id: number; readonly tokens: number };

import { MalformedError } from './malformed.ts';

/** Where a verdict is made, bytes that cannot be read are an outcome like others. Any other error is ours and goes on. */
export function attempt<T>(read: () => T): T | MalformedError {
  try {
    return read();
  } catch (error) {
    if (error instanceof MalformedError) return error;
    throw error;
  }
}

/** Helper process of tsm-files.ts: one blocking file operation after the other. */
import { closeSync, constants, mkdirSync, openSync, readdirSync, readSync, rmdirSync, writeSync } from 'node:fs';
import { errnoOf } from '../errors.ts';
import type { TsmCall, TsmOperation, TsmReply } from './tsm-files.ts';

const CHUNK_BYTES = 65_536;

function perform(operation: TsmOperation): unknown {
  const { path } = operation;
  switch (operation.kind) {
    case 'list':
      return readdirSync(path);
    case 'mkdir':
      return mkdirSync(path, { mode: 0o700 });
    case 'rmdir':
      return rmdirSync(path);
    case 'read':
      return readToEnd(path, operation.most);
    case 'write':
      return writeOnce(path, operation.bytes);
  }
}

function readToEnd(path: string, most: number): Uint8Array {
  const file = openSync(path, constants.O_RDONLY);
  try {
    const parts: Buffer[] = [];
    let size = 0;
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const length = readSync(file, chunk);
      if (length === 0) return Uint8Array.from(Buffer.concat(parts));
      size += length;
      if (size > most) throw Object.assign(new Error(`more than ${most} bytes`), { code: 'E2BIG' });
      parts.push(chunk.subarray(0, length));
    }
  } finally {
    closeSync(file);
  }
}

function writeOnce(path: string, bytes: Uint8Array): void {
  const file = openSync(path, constants.O_WRONLY);
  try {
    const length = writeSync(file, bytes);
    if (length !== bytes.length) throw Object.assign(new Error(`${length} bytes were taken`), { code: 'EIO' });
  } finally {
    closeSync(file);
  }
}

process.on('message', ({ id, operation }: TsmCall) => {
  let reply: TsmReply;
  try {
    reply = { id, value: perform(operation) };
  } catch (error) {
    reply = { id, errno: errnoOf(error), message: error instanceof Error ? error.message : String(error) };
  }
  process.send?.(reply);
});
process.on('disconnect', () => process.exit());

const PATIENCE_MS = 20_000;

/** Fails instead of hanging when something that must happen does not. For a loaded machine, not for measuring. */
export async function soon<T>(event: Promise<T> | undefined, what = 'what was awaited'): Promise<T> {
  if (event === undefined) throw new Error(`${what} never began`);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not happen in ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([event, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Looks again and again until `holds` does. */
export function eventually(holds: () => boolean): Promise<void> {
  let stop = false;
  const looking = (async () => {
    while (!stop && !holds()) await new Promise((resolve) => setTimeout(resolve, 5));
  })();
  return soon(looking).finally(() => {
    stop = true;
  });
}

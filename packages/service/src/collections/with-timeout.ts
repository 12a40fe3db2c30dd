/**
 * Waits for a promise, and not for ever. What it waits for goes on.
 *
 * @returns what the promise is fulfilled with; nothing if it takes longer than this many milliseconds. @throws what it is rejected with.
 */
export async function withTimeout<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    // It would keep the process from ending.
    clearTimeout(timer);
  }
}

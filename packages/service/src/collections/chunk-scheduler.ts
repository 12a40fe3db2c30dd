/** Queues work on responses in tiny pieces, one item in each turn of the event loop. */
export interface ChunkScheduler {
  /** Calls `callback` in a later turn of the event loop, after those that were queued before. */
  schedule(callback: () => void): void;
}

export function createChunkScheduler(): ChunkScheduler {
  const waiting: (() => void)[] = [];
  const next = (): void => {
    waiting.shift()?.();
    if (waiting.length > 0) setImmediate(next);
  };
  return {
    schedule(callback) {
      waiting.push(callback);
      if (waiting.length === 1) setImmediate(next);
    },
  };
}

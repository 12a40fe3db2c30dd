/** Queues work on responses in tiny pieces, one item in each turn of the event loop. */
export interface PieceTurns {
  /** Calls `goOn` in a later turn of the event loop, after those that were queued before. */
  wait(goOn: () => void): void;
}

export function createPieceTurns(): PieceTurns {
  const waiting: (() => void)[] = [];
  const next = (): void => {
    waiting.shift()?.();
    if (waiting.length > 0) setImmediate(next);
  };
  return {
    wait(goOn) {
      waiting.push(goOn);
      if (waiting.length === 1) setImmediate(next);
    },
  };
}

/** Hands out turns of the event loop, one a turn, to what comes in tiny pieces. */
export interface PieceTurns {
  /** Calls `goOn` in a later turn of the event loop, after those that asked before. */
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

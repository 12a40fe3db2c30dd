/** Something that waits for the next turn of the event loop. */
export interface Turning {
  onTurn(): void;
}

/**
 * Calls all that waits for the next turn of the event loop with one immediate: after all has been read that had arrived when the turn
 * began. If one throws, those after it get the turn after that.
 */
export class Turns {
  #waiting: Turning[] = [];

  add(turning: Turning): void {
    if (this.#waiting.push(turning) === 1) setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    let called = 0;
    try {
      for (const turning of waiting) {
        called += 1;
        turning.onTurn();
      }
    } finally {
      for (const turning of waiting.slice(called)) this.add(turning);
    }
  };
}

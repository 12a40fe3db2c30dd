/** Something that waits for the next turn of the event loop. */
export interface Turning {
  onTurn(): void;
}

/**
 * Calls all that waits for the next turn of the event loop with one immediate: after all has been read that had arrived when the turn
 * began.
 */
export class Turns {
  #waiting: Turning[] = [];

  add(turning: Turning): void {
    if (this.#waiting.push(turning) === 1) setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const turning of waiting) turning.onTurn();
  };
}

/** Calls a function after a time in milliseconds, unless the process ends before. */
export type Schedule = (act: () => void, ms: number) => void;

/**
 * Lets at most one call wait: what asks for another one meanwhile gets the one that waits, whichever time it names.
 *
 * @returns a function that calls `act` once after a time in milliseconds.
 */
export function createScheduledOnce(schedule: Schedule, act: () => void): (ms: number) => void {
  let isWaiting = false;

  return (ms) => {
    if (isWaiting) return;
    isWaiting = true;
    schedule(() => {
      // It may ask for the next call.
      isWaiting = false;
      act();
    }, ms);
  };
}

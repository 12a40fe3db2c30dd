/** Between two steps of a test's clock. */
const STEP_MS = 50;

/**
 * Waits for what a limit does, while time passes for a service with a clock of the test.
 *
 * Before the wait the clock does not move: what must happen before the limit has happened, however slow the machine is.
 *
 * @param pass advances the clock by a part of the limit: the service counts a silence from when it last looked.
 */
export async function passTimeUntil<T>(awaited: Promise<T>, pass: () => void): Promise<T> {
  const timer = setInterval(pass, STEP_MS);
  return awaited.finally(() => clearInterval(timer));
}

/** Between two steps of a test's clock. */
const STEP_MS = 50;

/**
 * Waits for what a limit does, while time passes for a service with a clock of the test.
 *
 * Until then the test leaves its clock alone, so that what must happen before the limit has happened, however slow the machine is. Undici and
 * Node's server follow the real clock: the limit must be short in real time, too.
 *
 * @param pass advances the clock. It is called again and again: the service counts a silence from when it last looked.
 */
export async function passTimeUntil<T>(awaited: Promise<T>, pass: () => void): Promise<T> {
  const timer = setInterval(pass, STEP_MS).unref();
  return awaited.finally(() => clearInterval(timer));
}

/**
 * The time of day, in milliseconds since 1970. It can be set, so no duration is measured with it alone; it is read for every
 * piece of a body that passes, and a Date would cost each of them more than the comparison.
 */
export function wallClock(): number {
  return Date.now();
}

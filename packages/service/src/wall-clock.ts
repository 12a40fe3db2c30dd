/**
 * Returns the time of day in milliseconds since 1970. It can be set, so no duration is measured with it alone. It is read for
 * every piece of a body, and a Date would cost more than the comparison that it is for.
 */
export function wallClock(): number {
  return Date.now();
}

import { type Parsed, ok, refuse } from "../result.ts";

const RFC_3339 =
  /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,16}))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))$/;

/** The last millisecond that RFC 3339 can write in UTC. */
const MAX_TIME = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

const EXPECTED =
  "a date and time with an offset, as in RFC 3339, from 1970 to 9999: 2030-01-31T12:00:00Z, 2030-01-31T12:00:00+01:00";

/**
 * Parses a date and time with an offset (RFC 3339 §5.6), to the millisecond: further digits are cut. A day that does not exist is
 * refused, and so is a leap second, which a clock of milliseconds since 1970 cannot name.
 */
export function parseTimestamp(value: unknown, path: string): Parsed<number> {
  const parts = typeof value === "string" ? RFC_3339.exec(value) : null;
  if (parts === null) return refuse(path, EXPECTED);
  const [, date = "", time = "", fraction = "", sign, hours, minutes] = parts;
  const local = `${date}T${time}.${fraction.slice(0, 3).padEnd(3, "0")}Z`;
  const localTime = Date.parse(local);
  // Date.parse takes February 30 for a day of March.
  if (Number.isNaN(localTime) || new Date(localTime).toISOString() !== local) return refuse(path, EXPECTED);
  const offsetMinutes = sign === undefined ? 0 : Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes));
  const utcTime = localTime - offsetMinutes * 60_000;
  return utcTime >= 0 && utcTime <= MAX_TIME ? ok(utcTime) : refuse(path, EXPECTED);
}

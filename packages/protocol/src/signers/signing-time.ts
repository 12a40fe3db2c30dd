import { memoizeLast } from "./memoize-last.ts";

/** A time in the format of both schemes: ISO 8601 basic format, whole seconds, UTC. */
export interface SigningTime {
  /** `20261122T161907Z` */
  readonly dateTime: string;
  /** `20261122` */
  readonly day: string;
}

/** Returns {@link signingTime} memoized, so that it is formatted once for all requests of one second. */
export function memoizeSigningTime(): (now: Date) => SigningTime {
  const forSecond = memoizeLast((second: number) => signingTime(new Date(second * 1_000)));
  return (now) => forSecond(Math.floor(now.getTime() / 1_000));
}

export function signingTime(now: Date): SigningTime {
  const dateTime = `${now.toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
  return { dateTime, day: dateTime.slice(0, 8) };
}

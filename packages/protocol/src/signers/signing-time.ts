/** A moment as both schemes write it: ISO 8601 basic format, whole seconds, UTC. */
export interface SigningTime {
  /** `20261122T161907Z` */
  readonly dateTime: string;
  /** `20261122` */
  readonly day: string;
}

export function signingTime(now: Date): SigningTime {
  const dateTime = `${now.toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
  return { dateTime, day: dateTime.slice(0, 8) };
}

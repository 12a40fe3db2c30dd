/** The longest delay of a Node.js timer, in milliseconds: with a longer one, `setTimeout` fires after one millisecond. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1;

export type StoreEngine = "lmdb" | "postgres";

export type LimitUnit = "bytes" | "bytes per second" | "milliseconds" | "count";

/** What a flag for a limit takes: a whole number of a unit. */
export interface LimitFlag {
  /** Absent: nothing is limited unless the flag is given. */
  readonly default?: number;
  readonly unit: LimitUnit;
  /** Absent: 1. */
  readonly minimum?: number;
  /** Absent: that of a timer, or the largest safe integer. */
  readonly maximum?: number;
  /** The engine of the store that has it. Absent: all. */
  readonly engine?: StoreEngine;
  /** What is limited, in one line, without the unit. */
  readonly description: string;
  /** What docs/configuration.md says after the description, in Markdown. */
  readonly details?: string;
}

export interface Limit extends LimitFlag {
  readonly default: number;
}

/** The values that a flag takes, both ends included. */
export function boundsOf({ unit, minimum = 1, maximum }: LimitFlag): {
  readonly minimum: number;
  readonly maximum: number;
} {
  const largest = unit === "milliseconds" ? MAX_TIMER_MS : Number.MAX_SAFE_INTEGER;
  return { minimum, maximum: maximum ?? largest };
}

export function isInBounds(flag: LimitFlag, value: number): boolean {
  const { minimum, maximum } = boundsOf(flag);
  return Number.isSafeInteger(value) && value >= minimum && value <= maximum;
}

/** What a flag takes, for the message that refuses another value. */
export function describeBounds(flag: LimitFlag): string {
  const { minimum, maximum } = boundsOf(flag);
  const numbers = flag.unit === "count" ? "a whole number" : `a whole number of ${flag.unit}`;
  const longest = maximum === MAX_TIMER_MS ? " (24 days, the longest time of a timer)" : "";
  return `${numbers} from ${minimum} to ${maximum}${longest}`;
}

/** What is limited, the unit, and the bounds that its row sets, for the help. */
export function describeLimit({ description, unit, minimum, maximum }: LimitFlag): string {
  const parts = [unit === "count" ? description : `${description}, in ${unit}`];
  if (minimum !== undefined) parts.push(`at least ${minimum}`);
  if (maximum !== undefined) parts.push(`at most ${maximum}`);
  return parts.join(", ");
}

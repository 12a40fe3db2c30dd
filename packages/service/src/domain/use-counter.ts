import type { Result } from "capability-protocol";
import { err, ok } from "capability-protocol";
import type { LimitedNode } from "./limits.ts";
import type { Uid } from "./uid.ts";

/** What the uses of a capability that has `maxUses` are counted on. */
export interface UseCounter {
  readonly uid: Uid;
  readonly maxUses: number;
  /** Length of a window in milliseconds. Absent: one window, without end. */
  readonly everyMs?: number;
  /** When the first window began, in milliseconds since 1970. */
  readonly createdAt: number;
}

/**
 * The counters of a use: that of the capability itself, and those of the capabilities that it re-exports.
 *
 * @returns nothing for a use that no counter counts.
 */
export function useCountersOf(limits: readonly LimitedNode[]): readonly UseCounter[] | undefined {
  const counters = limits.flatMap(({ uid, createdAt, limits: { maxUses, maxUsesEveryMs } }): UseCounter[] => {
    if (maxUses === undefined) return [];
    return [
      { uid, maxUses, createdAt, ...(maxUsesEveryMs === undefined ? {} : { everyMs: maxUsesEveryMs }) },
    ];
  });
  return counters.length === 0 ? undefined : counters;
}

/** What a counter keeps. */
export interface UseCount {
  /** The latest window in which it was used, counted from 0. */
  readonly window: number;
  /** How many uses that window has. */
  readonly uses: number;
}

/** What a counter begins with. */
export const UNUSED: UseCount = { window: 0, uses: 0 };

/** Why a use is refused. */
export type UseDenial =
  /** For ever. */
  | { readonly reason: "used_up" }
  /** Until the next window begins. */
  | { readonly reason: "window_used_up"; readonly retryAfterMs: number };

/** The new count of a counter. */
export interface CountedUse {
  readonly uid: Uid;
  readonly count: UseCount;
}

/**
 * Counts one use on every counter, or on none. Of several refusals the one that holds longest is returned.
 *
 * @param counters of different capabilities.
 * @param find reads a count. One that is not there counts as used up: its capability was removed, or the store was changed.
 * @param now the time of day in milliseconds since 1970.
 */
export function nextCounts(
  counters: readonly UseCounter[],
  find: (uid: Uid) => UseCount | undefined,
  now: number,
): Result<readonly CountedUse[], UseDenial> {
  const counted: CountedUse[] = [];
  let denial: UseDenial | undefined;
  for (const counter of counters) {
    const count = nextCount(counter, find(counter.uid), now);
    if (count.ok) counted.push({ uid: counter.uid, count: count.value });
    else denial = denial === undefined ? count.error : longer(denial, count.error);
  }
  return denial === undefined ? ok(counted) : err(denial);
}

/** A clock that was set back does not lead to an earlier window, whose uses are not kept any more. */
function nextCount(
  { maxUses, everyMs, createdAt }: UseCounter,
  count: UseCount | undefined,
  now: number,
): Result<UseCount, UseDenial> {
  if (count === undefined) return err({ reason: "used_up" });
  const window = everyMs === undefined ? 0 : Math.max(count.window, Math.floor((now - createdAt) / everyMs));
  const uses = window === count.window ? count.uses : 0;
  if (uses < maxUses) return ok({ window, uses: uses + 1 });
  if (everyMs === undefined) return err({ reason: "used_up" });
  return err({ reason: "window_used_up", retryAfterMs: createdAt + (window + 1) * everyMs - now });
}

function longer(a: UseDenial, b: UseDenial): UseDenial {
  if (a.reason === "used_up" || b.reason === "used_up") return { reason: "used_up" };
  return a.retryAfterMs >= b.retryAfterMs ? a : b;
}

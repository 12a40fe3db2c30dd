import type { Result } from "capability-protocol";
import { err, ok } from "capability-protocol";
import type { LimitedNode } from "./limits.ts";
import type { Uid } from "./uid.ts";

/** One use of a capability that has `maxUses`, to be counted. */
export interface Charge {
  readonly uid: Uid;
  readonly maxUses: number;
  /** Length of a window in milliseconds. Absent: one window, without end. */
  readonly everyMs?: number;
  /** When the first window began, in milliseconds since 1970. */
  readonly createdAt: number;
}

/**
 * What a use of a capability is counted on: its own counter, and those of the capabilities that it re-exports.
 *
 * @returns nothing for a capability without a counter, as nearly all are.
 */
export function chargesOf(limits: readonly LimitedNode[]): readonly Charge[] | undefined {
  const charges = limits.flatMap(({ uid, createdAt, limits: { maxUses, maxUsesEveryMs } }): Charge[] => {
    if (maxUses === undefined) return [];
    return [
      { uid, maxUses, createdAt, ...(maxUsesEveryMs === undefined ? {} : { everyMs: maxUsesEveryMs }) },
    ];
  });
  return charges.length === 0 ? undefined : charges;
}

/** What is kept of the uses of a capability. */
export interface UseCount {
  /** The latest window in which it was used, counted from 0. */
  readonly window: number;
  /** How many uses that window has. */
  readonly uses: number;
}

/** What a capability begins with. */
export const UNUSED: UseCount = { window: 0, uses: 0 };

/** Why a use is refused. */
export type SpendDenial =
  /** For ever. */
  | { readonly reason: "used_up" }
  /** Until the next window begins. */
  | { readonly reason: "quota_exhausted"; readonly retryAfterMs: number };

/** A counter with its new value. */
export interface ChargedCounter {
  readonly uid: Uid;
  readonly count: UseCount;
}

/**
 * Counts one use on every counter, or on none. Of several refusals the one that holds longest is returned.
 *
 * @param charges of different capabilities.
 * @param find reads a counter. One that is not there counts as used up: its capability was removed, or the store was changed.
 * @param now the time of day in milliseconds since 1970.
 */
export function chargeUses(
  charges: readonly Charge[],
  find: (uid: Uid) => UseCount | undefined,
  now: number,
): Result<readonly ChargedCounter[], SpendDenial> {
  const charged: ChargedCounter[] = [];
  let denial: SpendDenial | undefined;
  for (const charge of charges) {
    const count = chargeUse(charge, find(charge.uid), now);
    if (count.ok) charged.push({ uid: charge.uid, count: count.value });
    else denial = denial === undefined ? count.error : longer(denial, count.error);
  }
  return denial === undefined ? ok(charged) : err(denial);
}

/** A clock that was set back does not lead to an earlier window, whose uses are not kept any more. */
function chargeUse(
  { maxUses, everyMs, createdAt }: Charge,
  count: UseCount | undefined,
  now: number,
): Result<UseCount, SpendDenial> {
  if (count === undefined) return err({ reason: "used_up" });
  const window = everyMs === undefined ? 0 : Math.max(count.window, Math.floor((now - createdAt) / everyMs));
  const uses = window === count.window ? count.uses : 0;
  if (uses < maxUses) return ok({ window, uses: uses + 1 });
  if (everyMs === undefined) return err({ reason: "used_up" });
  return err({ reason: "quota_exhausted", retryAfterMs: createdAt + (window + 1) * everyMs - now });
}

function longer(a: SpendDenial, b: SpendDenial): SpendDenial {
  if (a.reason === "used_up" || b.reason === "used_up") return { reason: "used_up" };
  return a.retryAfterMs >= b.retryAfterMs ? a : b;
}

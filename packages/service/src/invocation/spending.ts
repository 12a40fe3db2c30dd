import { err, ok } from "capability-protocol";
import type { FairOwner } from "../collections/fair-queue.ts";
import type { MaybePromise } from "../collections/maybe-promise.ts";
import { thenMaybe } from "../collections/maybe-promise.ts";
import { denialOfSpending } from "../domain/creation-denial.ts";
import type { Denial, Outcome } from "../domain/denial.ts";
import type { Charge } from "../domain/use-counter.ts";
import type { Store } from "../store/store.ts";
import { denialForStoreError } from "./store-error.ts";

/** Counts the uses of capabilities. */
export type UseCounters = Pick<Store, "spend" | "checkSpending">;

/** Reads whether a use would be refused now. It counts nothing, so another use may still be counted first. */
export function findUseDenial(
  counters: UseCounters,
  charges: readonly Charge[],
): MaybePromise<Denial | undefined> {
  return thenMaybe(counters.checkSpending(charges), (checked) =>
    checked.ok ? undefined : denialOfSpending(checked.error),
  );
}

/** Counts a use durably. Where that is not known to be done, it may be counted, and nothing may be sent. */
export async function chargeUse(
  counters: UseCounters,
  charges: readonly Charge[],
  owner: FairOwner,
): Promise<Outcome<void>> {
  try {
    const spent = await counters.spend(charges, owner);
    return spent.ok ? ok(undefined) : err(denialOfSpending(spent.error));
  } catch (error) {
    const denial = denialForStoreError(error);
    if (denial === undefined) throw error;
    return err(denial);
  }
}

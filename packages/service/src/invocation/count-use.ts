import { err, ok } from "capability-protocol";
import type { FairOwner } from "../collections/fair-queue.ts";
import type { MaybePromise } from "../collections/maybe-promise.ts";
import { thenMaybe } from "../collections/maybe-promise.ts";
import type { Denial, Outcome } from "../domain/denial.ts";
import type { UseCounter } from "../domain/use-counter.ts";
import { denialOfUse } from "../domain/use-denial.ts";
import type { RevocationFeed } from "../store/revocation-feed.ts";
import type { Store } from "../store/store.ts";
import { denialForStoreError } from "./store-error.ts";

/** What a use is counted with. */
export interface UseContext {
  readonly useStore: Pick<Store, "countUse" | "checkUse">;
  /** Waits until it is known what was revoked; at once if it is. */
  readonly refreshLog: RevocationFeed["refresh"];
}

/** Reads whether a use would be refused now. It counts nothing, so another use may still be counted first. */
export function findUseDenial(
  { useStore }: Pick<UseContext, "useStore">,
  counters: readonly UseCounter[],
): MaybePromise<Denial | undefined> {
  return thenMaybe(useStore.checkUse(counters), (checked) =>
    checked.ok ? undefined : denialOfUse(checked.error),
  );
}

/**
 * Counts a use durably, and then waits for the log: if its position were unknown at the first byte, when nothing can wait, the use
 * would be lost. Where it is not known to be counted, it may be, and nothing may be sent.
 */
export async function countUse(
  { useStore, refreshLog }: UseContext,
  counters: readonly UseCounter[],
  owner: FairOwner,
): Promise<Outcome<void>> {
  try {
    const counted = await useStore.countUse(counters, owner);
    if (!counted.ok) return err(denialOfUse(counted.error));
    await refreshLog();
    return ok(undefined);
  } catch (error) {
    const denial = denialForStoreError(error);
    if (denial === undefined) throw error;
    return err(denial);
  }
}

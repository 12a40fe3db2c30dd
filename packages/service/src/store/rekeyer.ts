import type { FairOwner } from "../collections/fair-queue.ts";
import type { Uid } from "../domain/uid.ts";
import type { StoredCapability } from "./record.ts";
import type { Store } from "./store.ts";
import { RecordTooNewError, StoreBusyError, StoreFailedError, StoreFullError } from "./store.ts";

/** How many capabilities are rekeyed at once. What is presented meanwhile is rekeyed when it is presented again. */
const MAX_IN_FLIGHT = 16;

/** How long nothing is rekeyed after a failure, in milliseconds: a store that is full stays so for a while. */
const PAUSE_MS = 1_000;

/**
 * Takes a capability that was found by an older service key.
 *
 * @param reseal makes what replaces its lookup id and its payload. It is called only if that is written.
 * @param owner in whose turn it is written.
 */
export type OfferRekey = (
  capability: StoredCapability,
  reseal: () => Pick<StoredCapability, "lookupId" | "sealed">,
  owner: FairOwner,
) => void;

export interface RekeyListeners {
  /** Called once a capability needs the newest key alone. */
  readonly onRekeyed: (capability: Uid) => void;
  /** Called with an error that is neither an outage nor a full store. */
  readonly onFault: (error: unknown) => void;
}

/**
 * Rekeys what is offered, in the background: no request waits for it, or fails with it. What fails is offered again with the next
 * request.
 *
 * @param monotonic a clock, in milliseconds.
 */
export function createRekeyer(
  store: Pick<Store, "rekeyCapability">,
  monotonic: () => number,
  { onRekeyed, onFault }: RekeyListeners,
): OfferRekey {
  const inFlight = new Set<Uid>();
  let pausedUntil = -Infinity;

  const rekey = async (...[capability, reseal, owner]: Parameters<OfferRekey>): Promise<void> => {
    try {
      if (await store.rekeyCapability(capability, reseal(), owner)) onRekeyed(capability.uid);
    } catch (error) {
      pausedUntil = monotonic() + PAUSE_MS;
      if (!isExpected(error)) onFault(error);
    }
  };
  return (capability, reseal, owner) => {
    const { uid } = capability;
    if (inFlight.has(uid) || inFlight.size >= MAX_IN_FLIGHT || monotonic() < pausedUntil) return;
    inFlight.add(uid);
    void rekey(capability, reseal, owner).finally(() => inFlight.delete(uid));
  };
}

/** What is reported where it matters: as the state of the store, or as the loss of the lease. */
function isExpected(error: unknown): boolean {
  return (
    error instanceof StoreBusyError ||
    error instanceof StoreFullError ||
    error instanceof StoreFailedError ||
    error instanceof RecordTooNewError
  );
}

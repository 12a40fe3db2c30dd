import { errorCode } from "../error-code.ts";
import { StoreFormatError } from "../store/store.ts";
import type { Store } from "../store/store.ts";
import type { EventLog } from "../telemetry/events.ts";

/** How often the lease is checked, in milliseconds: well below the time for which a request waits for one. */
const INTERVAL_MS = 100;

export interface LeaseWatch {
  /** Rejects when the database gives this node no lease any more: it would wait for ever. */
  readonly refused: Promise<never>;
  stop(): void;
}

/**
 * Reports when a node loses its lease, since its database is gone or responds too late, and when it has one again. Meanwhile it does
 * not know what was revoked, and passes nothing on.
 */
export function watchLease(
  store: Pick<Store, "position" | "positionFailure">,
  log: Pick<EventLog, "leaseLost" | "leaseRegained" | "leaseRefused">,
  monotonic: () => number,
): LeaseWatch {
  let refuse: (reason: StoreFormatError) => void;
  const refused = new Promise<never>((_resolve, reject) => {
    refuse = reject;
  });
  // It may come before anything waits for it.
  refused.catch(() => undefined);
  let lostAt: number | undefined;
  const stop = (): void => clearInterval(timer);
  const timer = setInterval(() => {
    const isHeld = store.position() !== undefined;
    const failure = isHeld ? undefined : store.positionFailure();
    if (failure instanceof StoreFormatError) {
      stop();
      log.leaseRefused({ problem: failure.message });
      return refuse(failure);
    }
    if (isHeld === (lostAt === undefined)) return;
    if (lostAt === undefined) {
      lostAt = monotonic();
      log.leaseLost(causeOf(failure));
    } else {
      log.leaseRegained({ afterMs: Math.round(monotonic() - lostAt) });
      lostAt = undefined;
    }
  }, INTERVAL_MS).unref();
  return { refused, stop };
}

/** Absent if no statement has failed: this process was paused, or its row was deleted. */
function causeOf(failure: unknown): { readonly cause?: string } {
  const cause = errorCode(failure) ?? (failure instanceof Error ? failure.name : undefined);
  return cause === undefined ? {} : { cause };
}

import type { Engine } from "../../engine.ts";
import type { HeldLease } from "../../lease/held-lease.ts";
import { leaseInForce } from "../../lease/held-lease.ts";
import type { Position, RevocationSource } from "../../revocation-source.ts";
import { StoreBusyError, StoreFormatError } from "../../store.ts";
import { toStoreError } from "../postgres-errors.ts";
import { createAppliedLog } from "./applied-log.ts";
import type { Clocks } from "./clocks.ts";
import type { LeaseListener } from "./lease-driver.ts";

/** Answers from memory where the log ends, while the lease of this node is in force. */
export interface LeaseSource
  extends RevocationSource, Pick<Engine, "positionFailure" | "leaseAgeMs">, LeaseListener {
  /**
   * @param sequence up to which the log has been applied, too.
   * @throws StoreBusyError if no lease is in force in time.
   * @throws StoreFormatError if the node gets no lease any more.
   */
  waitForLease(timeoutMs: number, sequence?: bigint): Promise<void>;
  /** Fails what waits for a lease. */
  close(): void;
}

interface Waiter {
  readonly timer: NodeJS.Timeout;
  readonly sequence: bigint;
  resolve(): void;
  reject(error: unknown): void;
}

export interface LeaseSourceOptions {
  readonly clocks: Clocks;
  /** How long {@link RevocationSource.refresh} waits, in milliseconds. */
  readonly refreshTimeoutMs: number;
  /** Asks for a renewal that is sent at once. */
  readonly renew: () => void;
  /** Called with what was applied last, when the log does not have it any more. */
  readonly onRevocationsLost: (applied: Position) => void;
}

export function createLeaseSource({
  clocks,
  refreshTimeoutMs,
  renew,
  onRevocationsLost,
}: LeaseSourceOptions): LeaseSource {
  const log = createAppliedLog();
  const waiters = new Set<Waiter>();
  let lease: HeldLease | undefined;
  /** Why no lease will be in force any more. */
  let fault: StoreFormatError | StoreBusyError | undefined;
  let lastFailure: unknown;
  /** When the last confirmed renewal was sent, on the monotonic clock. */
  let renewedAt: number | undefined;

  const position = (): Position | undefined =>
    leaseInForce(lease, clocks.monotonic(), clocks.wall()) ? log.end() : undefined;
  /** Whether the position is known, and as far as that. */
  const hasReached = (sequence: bigint): boolean => {
    const known = position();
    return known !== undefined && known.sequence >= sequence;
  };
  const remove = (waiter: Waiter): void => {
    clearTimeout(waiter.timer);
    waiters.delete(waiter);
  };
  const end = (reason: StoreFormatError | StoreBusyError): void => {
    fault ??= reason;
    for (const waiter of waiters) {
      remove(waiter);
      waiter.reject(reason);
    }
  };
  const waitForLease: LeaseSource["waitForLease"] = async (timeoutMs, sequence = 0n) => {
    if (hasReached(sequence)) return;
    if (fault !== undefined) throw fault;
    // Those that wait already have asked.
    if (waiters.size === 0) renew();
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        remove(waiter);
        reject(noLease(lastFailure));
      }, timeoutMs);
      const waiter = { timer, sequence, resolve, reject };
      waiters.add(waiter);
    });
  };
  return {
    position,
    // Each chunk compares the clocks with the end of the lease.
    positionMaxAgeMs: 0,
    revocationsSince: log.since,
    waitForLease,
    positionFailure: () => lastFailure,
    leaseAgeMs: () => (renewedAt === undefined ? undefined : clocks.monotonic() - renewedAt),
    async refresh(atLeast) {
      try {
        await waitForLease(refreshTimeoutMs, atLeast?.sequence);
      } catch (error) {
        // The process ends for it, and a request need not say so.
        throw error instanceof StoreFormatError ? noLease(error) : error;
      }
    },
    apply: log.apply,
    restart: log.restart,
    hold(held) {
      lease = held;
      renewedAt = held.sent.monotonic;
      lastFailure = undefined;
      for (const waiter of waiters) {
        if (!hasReached(waiter.sequence)) continue;
        remove(waiter);
        waiter.resolve();
      }
    },
    release() {
      lease = undefined;
    },
    alarm: ({ position, tag }) => onRevocationsLost({ log: tag, sequence: position }),
    failed(error) {
      // What fails after it is of no interest.
      if (lastFailure instanceof StoreFormatError) return;
      lastFailure = error;
      if (error instanceof StoreFormatError) end(error);
    },
    close: () => end(new StoreBusyError("the store is closed")),
  };
}

function noLease(failure: unknown): StoreBusyError {
  const why = toStoreError(failure);
  const reason = why instanceof Error ? `: ${why.message}` : "";
  return new StoreBusyError(`no lease is in force${reason}`, { cause: failure });
}

import type { HeldLease } from "../../lease/held-lease.ts";
import { leaseInForce } from "../../lease/held-lease.ts";
import type { Position, RevocationSource } from "../../store.ts";
import { StoreBusyError, StoreFormatError } from "../../store.ts";
import { toStoreError } from "../postgres-errors.ts";
import { createAppliedLog } from "./applied-log.ts";
import type { Clocks } from "./clocks.ts";
import type { LeaseFollower } from "./lease-driver.ts";

/** Answers from memory where the log ends, while the lease of this node is in force. */
export interface LeaseSource extends RevocationSource, LeaseFollower {
  /** @throws StoreBusyError if no lease is in force in time. */
  waitForLease(timeoutMs: number): Promise<void>;
  /** Fails what waits for a lease. */
  close(): void;
}

interface Waiter {
  readonly timer: NodeJS.Timeout;
  resolve(): void;
  reject(error: unknown): void;
}

export interface LeaseSourceOptions {
  readonly clocks: Clocks;
  /** How long {@link RevocationSource.refresh} waits, in milliseconds. */
  readonly refreshTimeoutMs: number;
  /** Called with what was applied last, when the log does not have it any more. */
  readonly onRevocationsLost: (applied: Position) => void;
}

export function createLeaseSource({
  clocks,
  refreshTimeoutMs,
  onRevocationsLost,
}: LeaseSourceOptions): LeaseSource {
  const log = createAppliedLog();
  const waiters = new Set<Waiter>();
  let lease: HeldLease | undefined;
  /** Why no lease will be in force any more. */
  let fault: StoreFormatError | StoreBusyError | undefined;
  let lastFailure = "";

  const position = (): Position | undefined =>
    leaseInForce(lease, clocks.monotonic(), clocks.wall()) ? log.end() : undefined;
  const settle = (use: (waiter: Waiter) => void): void => {
    for (const waiter of waiters) {
      clearTimeout(waiter.timer);
      use(waiter);
    }
    waiters.clear();
  };
  const end = (reason: StoreFormatError | StoreBusyError): void => {
    fault ??= reason;
    settle((waiter) => waiter.reject(reason));
  };
  const waitForLease = async (timeoutMs: number): Promise<void> => {
    if (position() !== undefined) return;
    if (fault !== undefined) throw fault;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        waiters.delete(waiter);
        reject(new StoreBusyError(`no lease is in force${lastFailure}`));
      }, timeoutMs);
      const waiter = { timer, resolve, reject };
      waiters.add(waiter);
    });
  };
  return {
    position,
    revocationsSince: log.since,
    waitForLease,
    refresh: () => waitForLease(refreshTimeoutMs),
    apply: log.apply,
    restart: log.restart,
    hold(held) {
      lease = held;
      lastFailure = "";
      if (position() !== undefined) settle((waiter) => waiter.resolve());
    },
    release() {
      lease = undefined;
    },
    alarm: ({ position, tag }) => onRevocationsLost({ log: tag, sequence: position }),
    failed(error) {
      if (error instanceof StoreFormatError) return end(error);
      const mapped = toStoreError(error);
      if (mapped instanceof Error) lastFailure = `: ${mapped.message}`;
    },
    close: () => end(new StoreBusyError("the store is closed")),
  };
}

/** What two clocks of a process say at the same moment, in milliseconds. */
export interface Instant {
  /** Runs while the process is stopped, and may not while the machine sleeps. */
  readonly monotonic: number;
  /** Runs while the machine sleeps, and can be set. */
  readonly wall: number;
}

/** The right to serve for a time, without asking the store again. */
export interface HeldLease {
  /** Before the renewal was sent: its snapshot is younger. */
  readonly sent: Instant;
  readonly lengthMs: number;
}

/**
 * Whether the node has applied every revoke that was acknowledged before this moment. Asked for each request, each chunk of its body
 * and each read of its response: it compares, and allocates nothing.
 *
 * Both clocks must be within the lease. A wall clock that was set, either way, can only end it.
 */
export function leaseInForce(lease: HeldLease | undefined, monotonic: number, wall: number): boolean {
  return (
    lease !== undefined &&
    monotonic - lease.sent.monotonic < lease.lengthMs &&
    Math.abs(wall - lease.sent.wall) < lease.lengthMs
  );
}

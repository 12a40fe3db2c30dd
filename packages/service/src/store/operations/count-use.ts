import type { Result } from "capability-protocol";
import { err, ok } from "capability-protocol";
import type { UseCounter, UseDenial } from "../../domain/use-counter.ts";
import { nextCounts } from "../../domain/use-counter.ts";
import type { Change, Decision, ReadRequest, Snapshot, WriteRequest } from "../engine.ts";

/** What {@link checkUse} reads. */
export function useCountsRequest(counters: readonly UseCounter[]): ReadRequest {
  return { uses: counters.map(({ uid }) => uid) };
}

/** What {@link decideUse} reads. */
export function useRequest(counters: readonly UseCounter[]): Omit<WriteRequest, "owner"> {
  return { class: "use", size: { records: counters.length, sealedBytes: 0 }, ...useCountsRequest(counters) };
}

/** Counts a use on all counters, or on none. A refusal promises nothing, so it does not wait for the disk. */
export function decideUse(
  snapshot: Pick<Snapshot, "uses">,
  counters: readonly UseCounter[],
  now: number,
): Decision<Result<void, UseDenial>> {
  const counted = nextCounts(counters, snapshot.uses, now);
  if (!counted.ok) return { result: counted, changes: [] };
  const changes = counted.value.map(({ uid, count }): Change => ({ type: "putUses", uid, count }));
  return { result: ok(undefined), changes };
}

/** Decides whether a use would be refused now, and counts nothing. */
export function checkUse(
  snapshot: Pick<Snapshot, "uses">,
  counters: readonly UseCounter[],
  now: number,
): Result<void, UseDenial> {
  const counted = nextCounts(counters, snapshot.uses, now);
  return counted.ok ? ok(undefined) : err(counted.error);
}

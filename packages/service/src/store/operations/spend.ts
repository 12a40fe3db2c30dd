import type { Result } from "capability-protocol";
import { err, ok } from "capability-protocol";
import type { Charge, SpendDenial } from "../../domain/use-counter.ts";
import { chargeUses } from "../../domain/use-counter.ts";
import type { Change, Decision, ReadRequest, Snapshot, WriteRequest } from "../engine.ts";

/** What {@link checkSpending} reads. */
export function usesRequest(charges: readonly Charge[]): ReadRequest {
  return { uses: charges.map(({ uid }) => uid) };
}

/** What {@link decideSpending} reads. */
export function spendRequest(charges: readonly Charge[]): Omit<WriteRequest, "owner"> {
  return { ...usesRequest(charges), class: "spend", size: { records: charges.length, sealedBytes: 0 } };
}

/** Counts a use on all counters, or on none. A refusal promises nothing, so it does not wait for the disk. */
export function decideSpending(
  snapshot: Pick<Snapshot, "uses">,
  charges: readonly Charge[],
  now: number,
): Decision<Result<void, SpendDenial>> {
  const charged = chargeUses(charges, snapshot.uses, now);
  if (!charged.ok) return { result: charged, changes: [] };
  const changes = charged.value.map(({ uid, count }): Change => ({ type: "putUses", uid, count }));
  return { result: ok(undefined), changes };
}

/** Decides whether a use would be refused now, and counts nothing. */
export function checkSpending(
  snapshot: Pick<Snapshot, "uses">,
  charges: readonly Charge[],
  now: number,
): Result<void, SpendDenial> {
  const charged = chargeUses(charges, snapshot.uses, now);
  return charged.ok ? ok(undefined) : err(charged.error);
}

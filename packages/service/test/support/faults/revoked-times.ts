import type { History, Operation } from "./history.ts";

/** When a membrane is known to be revoked. */
interface Revoked {
  /** When the revoke was acknowledged. */
  readonly since: number;
  /** When the store may have lost it; `Infinity` if it did not. */
  readonly until: number;
}

/** Returns the acknowledged revokes of each membrane. */
export function revokedSince({ operations, lost }: History): ReadonlyMap<string, readonly Revoked[]> {
  const revoked = new Map<string, Revoked[]>();
  for (const { kind, outcome, resource, began, ended } of operations) {
    if (kind !== "revoke" || outcome !== "done") continue;
    const loss = lost.find((interval) => began <= interval.ended && ended >= interval.began);
    const entry = { since: ended, until: loss?.ended ?? Infinity };
    revoked.set(resource, [...(revoked.get(resource) ?? []), entry]);
  }
  return revoked;
}

/** Returns when the first of the membranes was revoked whose revoke held at `time`; `Infinity` if none. */
export function revokedAt(
  revoked: ReturnType<typeof revokedSince>,
  through: readonly string[],
  time: number,
): number {
  const holding = through
    .flatMap((membrane) => revoked.get(membrane) ?? [])
    .filter(({ until }) => until >= time);
  return Math.min(...holding.map(({ since }) => since));
}

/** Finds the acknowledged operations that made what another operation uses. */
export interface Makers {
  of(operation: Pick<Operation, "resource" | "through">): readonly Operation[];
}

export function findMakers({ operations }: History): Makers {
  const makers = new Map<string, Operation>();
  for (const operation of operations) {
    const { kind, outcome, resource } = operation;
    if ((kind === "create" || kind === "export") && outcome === "done") makers.set(resource, operation);
  }
  return {
    of: ({ resource, through }) =>
      [...new Set([resource, ...through])].flatMap((name) => makers.get(name) ?? []),
  };
}

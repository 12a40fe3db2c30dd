import type { Limits } from "capability-protocol";
import type { Uid } from "./uid.ts";

/** A capability that has limits, as it is remembered by itself and by all that re-exports it. */
export interface LimitedNode {
  readonly uid: Uid;
  /** When it was made, in milliseconds since 1970: the windows of its counter begin then. */
  readonly createdAt: number;
  readonly limits: Limits;
}

/**
 * How many bytes a capability with its limits, and those that it inherits, may have when they are sealed. All of them are checked at
 * each use, and a holder must not decide what that costs.
 */
export const MAX_SEALED_BYTES = 65_536;

/** On which terms a capability is exported: its limits, and its label, which limits nothing. */
export interface ExportTerms {
  /** Its own limits, and when it is made. */
  readonly own?: Omit<LimitedNode, "uid">;
  /** Those of the capability that it re-exports. */
  readonly inherited?: readonly LimitedNode[];
  /** A note of its exporter, sealed with the capability. No response contains it. */
  readonly label?: string;
}

/** All limits that hold for a new capability: its own first, then those of every capability that it re-exports. */
export function limitChain(uid: Uid, { own, inherited = [] }: ExportTerms): readonly LimitedNode[] {
  return own === undefined ? inherited : [{ uid, ...own }, ...inherited];
}

/** Whether it may be re-exported. No limit can be lost on the way: what forbids it is not re-exported itself. */
export function isDelegable(limits: readonly LimitedNode[]): boolean {
  return limits.every((node) => node.limits.delegable !== false);
}

/** Times are milliseconds of the monotonic clock of the process that has all clients, targets and faults. */
export interface Interval {
  readonly began: number;
  readonly ended: number;
}

/**
 * - `create`: makes a membrane with a name.
 * - `query`: asks whether a membrane of a name exists.
 * - `export`: exports a target or a capability.
 * - `probe`: asks whether an `export` capability works.
 * - `invoke`: invokes an exported capability.
 * - `use`: invokes one that may be used so often as {@link MAX_USES} says.
 * - `revoke`: revokes a membrane.
 */
export type OperationKind = "create" | "query" | "export" | "probe" | "invoke" | "use" | "revoke";

export const MAX_USES = 3;

/**
 * - `done`: what was asked for is acknowledged. A query: the membrane exists. A probe: the capability works.
 * - `refused`: the capability does not work, or the queried membrane does not exist.
 * - `unavailable`: refused, since the service did not reach its store. A write may still have taken effect.
 * - `unknown`: there was no complete response.
 * - `unexpected`: any other response.
 */
export type Outcome = "done" | "refused" | "unavailable" | "unknown" | "unexpected";

/** One request of a client, from before its first byte was sent until after its response was read. */
export interface Operation extends Interval {
  readonly kind: OperationKind;
  readonly node: number;
  /** The membrane or capability that is made, queried, invoked or revoked; of an export, what it makes. */
  readonly resource: string;
  /** The membranes that end what was used, when one of them is revoked. */
  readonly through: readonly string[];
  readonly outcome: Outcome;
  /** Status and code of the response, for people. */
  readonly detail: string;
  /** Whether it was asked at the end, when no fault was left. */
  readonly isFinal: boolean;
}

/** A request or response that takes long. Its pieces say when they were sent. */
export interface StreamRecord {
  readonly node: number;
  readonly through: readonly string[];
  /** `request`: pieces go from the client to the target; `response`: from the target to the client. */
  readonly direction: "request" | "response";
  readonly began: number;
  /** When the pieces that arrived were sent. */
  readonly passed: readonly number[];
  /** Absent: it had not ended when the history did. */
  readonly ended?: number;
}

/** A time during which something was true of one node, or of all. */
export interface NodeInterval extends Interval {
  readonly node: number | "all";
}

/** What clients saw, and what was done to the nodes and to their store. */
export interface History {
  /** Numbers of the nodes that were asked at the end. */
  readonly nodes: readonly number[];
  readonly operations: readonly Operation[];
  readonly streams: readonly StreamRecord[];
  /** When a node could certainly not reach its store. */
  readonly outages: readonly NodeInterval[];
  /** When a node was killed, or connections of its clients may have ended for another reason. */
  readonly interruptions: readonly NodeInterval[];
  /** What was written meanwhile is undone when the interval ends. Before its end no store can be reached for longer than a lease. */
  readonly lost: readonly Interval[];
}

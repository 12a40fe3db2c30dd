import type { HeldLease } from "../../../src/store/lease/held-lease.ts";
import type { LeaseAction, NodeLease } from "../../../src/store/lease/node-lease.ts";
import type { RevokePoller } from "../../../src/store/lease/revoke-poller.ts";
import type {
  Cursor,
  LeaseReply,
  LeaseRow,
  LeaseStatement,
  LogEntry,
  PollerReply,
  PollerStatement,
} from "../../../src/store/lease/statements.ts";
import type { Scenario } from "./protocol.ts";
import type { Registry } from "./registry.ts";

/**
 * One state of the whole system. All times in it are relative to now, which is 0 on every clock: time passes by shifting them
 * (`clocks.ts`), so that states which differ only in when they are reached are one state. The parts are canonical (`registry.ts`).
 */
export interface World {
  readonly database: Database;
  /** In the order of their owners; orphaned ones last. */
  readonly statements: readonly Statement[];
  readonly nodes: readonly NodeProcess[];
  readonly revoker: Revoker;
  /** Membranes whose revoke was acknowledged and was not lost with a primary, as bits. */
  readonly acknowledged: number;
  /** Faults that may still happen. */
  readonly faults: Faults;
}

export interface Faults {
  readonly restarts: number;
  readonly crashes: number;
  readonly failovers: number;
  readonly suspensions: number;
}

export interface Contents {
  readonly log: readonly LogEntry[];
  readonly rows: readonly LeaseRow[];
}

export interface Database extends Contents {
  /** What a crash goes back to, if that is older. */
  readonly durable: Contents | undefined;
  /** What a failover goes back to, once the standby has fallen behind. */
  readonly standby: Contents | undefined;
  /** How long the primary has been down, in milliseconds; no statement is carried out meanwhile. */
  readonly downFor: number | undefined;
  readonly appends: number;
}

/** A process that serves. */
export interface NodeProcess {
  readonly lease: NodeLease;
  /** Actions of the last step that it has not carried out yet. */
  readonly pending: readonly LeaseAction[];
  readonly held: HeldLease | undefined;
  /** Membranes that it cannot let pass because it knows their revoke, as bits. */
  readonly applied: number;
  /** How many statements it may still send. */
  readonly sends: number;
  /** How many names of rows it has drawn. */
  readonly names: number;
}

/** A process that revokes. */
export interface Revoker {
  readonly poller: RevokePoller;
  readonly revokes: readonly Revoke[];
  readonly sends: number;
}

export interface Revoke {
  readonly membrane: number;
  readonly state: "new" | "appending" | "waiting" | "acknowledged" | "refused";
  /** When the append was sent; once the revoke waits: when the reply to it arrived. */
  readonly since: number;
}

/** The write of a revoke; `repeat` follows one that found the membrane revoked. */
export type WriteStatement = { readonly type: "append" | "repeat"; readonly membrane: number };

export type WriteReply =
  | { readonly type: "appended"; readonly position: bigint }
  | { readonly type: "unchanged" };

/** A statement in flight; its snapshot, its execution and its reply are separate steps. */
export type Statement = { readonly stage: Stage } & (
  | { readonly owner: "node"; readonly process: number; readonly statement: LeaseStatement }
  | { readonly owner: "poller"; readonly process: 0; readonly statement: PollerStatement }
  | { readonly owner: "writer"; readonly process: number; readonly statement: WriteStatement }
  | {
      readonly owner: "none";
      readonly process: -1;
      readonly statement: LeaseStatement | PollerStatement | WriteStatement;
    }
);

export type Stage =
  | { readonly type: "sent" }
  | { readonly type: "snapshot"; readonly seen: Seen }
  | { readonly type: "done"; readonly reply: LeaseReply | PollerReply | WriteReply }
  | { readonly type: "failed" };

/** What one exploration works with. */
export interface Exploring {
  readonly scenario: Scenario;
  readonly registry: Registry;
}

/** What the snapshot of a statement shows of the log. */
export interface Seen {
  readonly isKnown: boolean;
  readonly entries: readonly LogEntry[];
  readonly isComplete: boolean;
  readonly head: Cursor;
}

export function membranesIn(log: readonly LogEntry[]): number {
  return log.reduce((bits, { uid }) => bits | bitOf(Number(uid)), 0);
}

export function bitOf(membrane: number): number {
  return membrane < 0 ? 0 : 1 << membrane;
}

export function replaceAt<T>(items: readonly T[], index: number, item: T): readonly T[] {
  return items.map((other, at) => (at === index ? item : other));
}

/** One thing that may happen next. */
export interface Step {
  readonly label: () => string;
  readonly world: World;
}

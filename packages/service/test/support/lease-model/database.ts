import type {
  Cursor,
  LeaseReply,
  LeaseRow,
  LeaseStatement,
  LogEntry,
  PollerReply,
  PollerStatement,
} from "../../../src/store/lease/statements.ts";
import type { Uid } from "../../../src/domain/uid.ts";
import type { Database, Seen, WriteReply, WriteStatement } from "./world.ts";
import { bitOf, membranesIn } from "./world.ts";

/** How the database carries out statements. Each weakening of SQL or of its settings is another value. */
export interface DatabaseRules {
  /** What a crash of the server leaves of rows of `lease`. */
  readonly leaseRows: "durable" | "lost if a renewal was the last write" | "all lost";
  readonly comparesCountInDrop: boolean;
  readonly comparesTag: boolean;
  /** How many entries of the log one renewal returns. */
  readonly pageSize: number;
  /** When a repeated revoke reads the position. */
  readonly repeatReads: "after the state" | "in an older snapshot";
}

export const RECOMMENDED_DATABASE: DatabaseRules = {
  leaseRows: "durable",
  comparesCountInDrop: true,
  comparesTag: true,
  pageSize: 1_000,
  repeatReads: "after the state",
};

export type AnyStatement = LeaseStatement | PollerStatement | WriteStatement;
export type AnyReply = LeaseReply | PollerReply | WriteReply;

const GENESIS: LogEntry = { position: 0n, tag: "genesis", uid: uidOf(-1) };

export const EMPTY_DATABASE: Database = {
  log: [GENESIS],
  rows: [],
  durable: undefined,
  standby: undefined,
  downFor: undefined,
  appends: 0,
};

/** Whether a statement decides by a snapshot that is older than its execution. */
export function hasSnapshot({ type }: AnyStatement, rules: DatabaseRules): boolean {
  return type === "renew" || (type === "append" && rules.repeatReads === "in an older snapshot");
}

export function takeSnapshot(database: Database, statement: AnyStatement, rules: DatabaseRules): Seen {
  const head = headOf(database);
  if (statement.type !== "renew" && statement.type !== "readTail")
    return { isKnown: true, entries: [], isComplete: true, head };
  const { applied } = statement;
  const following = database.log.filter(({ position }) => position > applied.position);
  const entries = following.slice(0, rules.pageSize);
  return {
    isKnown: database.log.some(
      ({ position, tag }) => position === applied.position && (tag === applied.tag || !rules.comparesTag),
    ),
    entries,
    isComplete: entries.length === following.length,
    head,
  };
}

export interface Executed {
  readonly database: Database;
  readonly reply: AnyReply;
}

/** @param seen by the snapshot of a statement that has one. */
export function execute(
  database: Database,
  statement: AnyStatement,
  rules: DatabaseRules,
  seen: Seen | undefined,
): Executed {
  switch (statement.type) {
    case "readHead":
      return { database, reply: { type: "head", cursor: headOf(database) } };
    case "poll":
      return { database, reply: { type: "rows", rows: database.rows } };
    case "join": {
      const others = database.rows.filter(({ node }) => node !== statement.node);
      const row = { node: statement.node, renewals: 0n, applied: -1n };
      return { database: withRows(database, [...others, row], true), reply: { type: "joined" } };
    }
    case "remove": {
      const rows = database.rows.filter(({ node }) => !statement.nodes.includes(node));
      return { database: withRows(database, rows, true), reply: { type: "removed" } };
    }
    case "drop": {
      const rows = database.rows.filter(
        ({ node, renewals }) =>
          node !== statement.node || (rules.comparesCountInDrop && renewals !== statement.renewals),
      );
      return { database: withRows(database, rows, true), reply: { type: "dropped" } };
    }
    case "readTail": {
      const { isKnown, entries } = takeSnapshot(database, statement, rules);
      return { database, reply: isKnown ? { type: "tail", entries } : { type: "cursorUnknown" } };
    }
    case "renew":
      return renew(database, statement, rules, seen!);
    case "append":
      return append(database, statement.membrane, seen);
    case "repeat":
      return {
        database: committed(database),
        reply: { type: "appended", position: headOf(database).position },
      };
  }
}

function renew(
  database: Database,
  { node, renewals, applied }: Extract<LeaseStatement, { type: "renew" }>,
  rules: DatabaseRules,
  { isKnown, entries, isComplete }: Seen,
): Executed {
  if (!isKnown) return { database, reply: { type: "cursorUnknown" } };
  const isOwn = (row: LeaseRow): boolean => row.node === node && row.renewals === renewals;
  if (!database.rows.some(isOwn)) return { database, reply: { type: "rowLost" } };
  const rows = database.rows.map((row) =>
    isOwn(row) ? { node, renewals: renewals + 1n, applied: applied.position } : row,
  );
  return {
    database: withRows(database, rows, rules.leaseRows !== "lost if a renewal was the last write"),
    reply: { type: "renewed", renewals: renewals + 1n, entries, isComplete },
  };
}

function append(database: Database, membrane: number, seen: Seen | undefined): Executed {
  if ((membranesIn(database.log) & bitOf(membrane)) !== 0) {
    return {
      database,
      reply: seen === undefined ? { type: "unchanged" } : { type: "appended", position: seen.head.position },
    };
  }
  const appends = database.appends + 1;
  const position = headOf(database).position + 1n;
  const entry = { position, tag: `tag ${appends}`, uid: uidOf(membrane) };
  return {
    database: { ...committed(database), log: [...database.log, entry], appends },
    reply: { type: "appended", position },
  };
}

function withRows(database: Database, rows: readonly LeaseRow[], isSynchronous: boolean): Database {
  if (isSynchronous) return { ...committed(database), rows };
  const { log, rows: old, durable = { log, rows: old } } = database;
  return { ...database, rows, durable };
}

/** The write-ahead log is flushed in order: what was written before a synchronous commit is as durable as that. */
function committed(database: Database): Database {
  return { ...database, durable: undefined };
}

/** Ends the server and recovers it. */
export function crash(database: Database, rules: DatabaseRules): Database {
  const { log, rows } = database.durable ?? database;
  return { ...database, log, rows: rules.leaseRows === "all lost" ? [] : rows, durable: undefined };
}

/** The standby takes over with what it has. */
export function promote(database: Database): Database {
  const { log, rows } = database.standby ?? database;
  return { ...database, log, rows, durable: undefined, standby: undefined, downFor: undefined };
}

function headOf({ log }: Database): Cursor {
  const { position, tag } = log.at(-1)!;
  return { position, tag };
}

function uidOf(membrane: number): Uid {
  return String(membrane) as Uid;
}

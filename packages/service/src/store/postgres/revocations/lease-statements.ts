import { StoreFormatError } from "../../store.ts";
import type { Cursor, LeaseReply, LeaseStatement, LogEntry } from "../../lease/statements.ts";
import type { Statement } from "../connection.ts";
import type { Row } from "../sql-values.ts";
import { bigintOf, uidColumnOf } from "../sql-values.ts";
import { lengthMismatch } from "./lease-length.ts";
import { SET_DURABLE } from "./durable-statement.ts";

/** How many entries of the log come with one renewal. */
export const PAGE_SIZE = 1_000;

const READ_HEAD = "SELECT position, tag FROM membrane.log ORDER BY position DESC LIMIT 1";

/**
 * The length is locked, so that no start of another node changes it before the row is there. A rotation of the service key, which
 * lets no node join meanwhile, changes the format row: a node that was started or stopped then has the wrong key.
 */
const JOIN = `
  WITH kept AS MATERIALIZED (SELECT lease_ms FROM membrane.lease_length WHERE ${SET_DURABLE} FOR SHARE),
       format AS MATERIALIZED (
         SELECT EXISTS (
           SELECT FROM membrane.meta WHERE key = 'format' AND encode(sha256(body), 'hex') = $3::text
         ) AS is_same
       ),
       j AS (
         INSERT INTO membrane.lease (node, renewals, applied)
         SELECT $1, 0, -1 FROM kept, format WHERE kept.lease_ms = $2 AND format.is_same
       )
  SELECT kept.lease_ms, format.is_same FROM kept, format`;

/** The entries after a position, in order. One more than a page says that something follows it. */
const tail = (condition: string, position: string): string => `
  LEFT JOIN LATERAL (
    SELECT l.position, l.tag, l.uid FROM membrane.log l
    WHERE ${condition} AND l.position > ${position}
    ORDER BY l.position LIMIT ${PAGE_SIZE + 1}
  ) e ON true
  ORDER BY e.position`;

/** Whether the log has an entry, and what follows it. */
const READ_TAIL = `
  SELECT known.yes AS is_known, e.position, e.tag, e.uid
  FROM (SELECT EXISTS (SELECT FROM membrane.log WHERE position = $1 AND tag = $2) AS yes) known
  ${tail("known.yes", "$1")}`;

const RENEW = `
  WITH known AS MATERIALIZED (
         SELECT EXISTS (SELECT FROM membrane.log WHERE position = $3 AND tag = $4) AS yes WHERE ${SET_DURABLE}
       ),
       r AS (
         UPDATE membrane.lease SET renewals = renewals + 1, applied = $3
         WHERE node = $1 AND renewals = $2 AND (SELECT yes FROM known)
         RETURNING renewals
       )
  SELECT known.yes AS is_known, r.renewals, e.position, e.tag, e.uid
  FROM known
  LEFT JOIN r ON true
  ${tail("r.renewals IS NOT NULL", "$3")}`;

const OTHER_FORMAT =
  "the store was changed since this node has opened it, as by a rotation of its service key or by a move: start the node again, with the service key file of the others";

const REMOVE = `DELETE FROM membrane.lease WHERE node = ANY ($1::uuid[]) AND ${SET_DURABLE}`;

/**
 * @param leaseMs how long the leases are that this process knows.
 * @param formatDigest SHA-256 of the format row that it knows, in hex.
 */
export function leaseStatement(statement: LeaseStatement, leaseMs: number, formatDigest: string): Statement {
  switch (statement.type) {
    case "readHead":
      return { text: READ_HEAD, parameters: [] };
    case "join":
      return { text: JOIN, parameters: [statement.node, leaseMs, formatDigest] };
    case "renew": {
      const { node, renewals, applied } = statement;
      return {
        text: RENEW,
        parameters: [node, renewals.toString(), applied.position.toString(), applied.tag],
      };
    }
    case "readTail": {
      const { position, tag } = statement.applied;
      return { text: READ_TAIL, parameters: [position.toString(), tag] };
    }
    case "remove":
      return { text: REMOVE, parameters: [`{${statement.nodes.join(",")}}`] };
  }
}

/**
 * @throws StoreFormatError if the database has another length of a lease, or its store another format.
 * @throws TypeError if the rows are none of this statement.
 */
export function parseLeaseReply(
  statement: LeaseStatement,
  rows: readonly Row[],
  leaseMs: number,
): LeaseReply {
  switch (statement.type) {
    case "readHead":
      return { type: "head", cursor: cursorOf(firstOf(rows)) };
    case "join": {
      const joined = firstOf(rows);
      const kept = Number(bigintOf(joined, "lease_ms"));
      if (kept !== leaseMs) throw new StoreFormatError(lengthMismatch(kept, leaseMs));
      if (joined["is_same"] !== true) throw new StoreFormatError(OTHER_FORMAT);
      return { type: "joined" };
    }
    case "renew":
      return parseRenewal(rows);
    case "readTail":
      return firstOf(rows)["is_known"] === true
        ? { type: "tail", entries: pageOf(rows) }
        : { type: "cursorUnknown" };
    case "remove":
      return { type: "removed" };
  }
}

function parseRenewal(rows: readonly Row[]): LeaseReply {
  const first = firstOf(rows);
  if (first["is_known"] !== true) return { type: "cursorUnknown" };
  if (first["renewals"] === null) return { type: "rowLost" };
  return {
    type: "renewed",
    renewals: bigintOf(first, "renewals"),
    entries: pageOf(rows),
    isComplete: rows.length <= PAGE_SIZE,
  };
}

/** Where nothing follows, one row has no entry. */
function pageOf(rows: readonly Row[]): readonly LogEntry[] {
  return rows
    .filter((row) => row["position"] !== null)
    .slice(0, PAGE_SIZE)
    .map(entryOf);
}

function firstOf([row]: readonly Row[]): Row {
  // The code is the cause in the log: the tables are there, and were emptied while this node ran.
  if (row === undefined) throw Object.assign(new Error("a row is missing"), { code: "ROW_MISSING" });
  return row;
}

function cursorOf(row: Row): Cursor {
  return { position: bigintOf(row, "position"), tag: uidColumnOf(row, "tag") };
}

function entryOf(row: Row): LogEntry {
  return { ...cursorOf(row), uid: uidColumnOf(row, "uid") };
}

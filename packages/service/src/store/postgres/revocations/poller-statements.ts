import type { LeaseRow, PollerReply, PollerStatement } from "../../lease/statements.ts";
import type { Statement } from "../connection.ts";
import type { Row } from "../sql-values.ts";
import { bigintOf, uidColumnOf } from "../sql-values.ts";
import { SET_DURABLE } from "./durable-statement.ts";

/** A row without a node if there are none. A standby may not have the row of a node yet whose lease is in force. */
export const POLL: Statement = {
  text: `
    SELECT n.node, n.renewals, n.applied, s.is_standby
    FROM (SELECT pg_catalog.pg_is_in_recovery() AS is_standby) s LEFT JOIN membrane.lease n ON true`,
  parameters: [],
};

/** The row was watched for as long as the leases that this process knows: those of another length may last longer. */
const DROP = `
  DELETE FROM membrane.lease
  WHERE node = $1 AND renewals = $2 AND EXISTS (SELECT FROM membrane.lease_length WHERE lease_ms = $3) AND ${SET_DURABLE}`;

/** @param leaseMs how long the leases are that this process knows. */
export function pollerStatement(statement: PollerStatement, leaseMs: number): Statement {
  switch (statement.type) {
    case "poll":
      return POLL;
    case "drop":
      return { text: DROP, parameters: [statement.node, statement.renewals.toString(), leaseMs] };
  }
}

/** @throws TypeError if they are the rows of a standby. */
export function parsePollerReply(statement: PollerStatement, rows: readonly Row[]): PollerReply {
  switch (statement.type) {
    case "poll":
      return { type: "rows", rows: parseNodeRows(rows) };
    case "drop":
      return { type: "dropped" };
  }
}

/** @throws TypeError if the rows are none of {@link POLL}, or those of a standby. */
export function parseNodeRows(rows: readonly Row[]): readonly LeaseRow[] {
  if (rows[0]?.["is_standby"] !== false) throw new TypeError("the rows are not those of a primary");
  return rows.filter((row) => row["node"] !== null).map(parseLeaseRow);
}

function parseLeaseRow(row: Row): LeaseRow {
  return {
    node: uidColumnOf(row, "node"),
    renewals: bigintOf(row, "renewals"),
    applied: bigintOf(row, "applied"),
  };
}

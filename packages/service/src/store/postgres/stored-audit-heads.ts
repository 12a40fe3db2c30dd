import type { StoredAuditHeads } from "../../domain/audit-head.ts";
import { auditHeadKey, readAuditHeads } from "../codec/audit-head-row.ts";
import type { ServiceKeys } from "../keys.ts";
import type { Connection } from "./connection.ts";
import type { Row } from "./sql-values.ts";
import { bigintOf, bytesOf, uidColumnOf } from "./sql-values.ts";

/** Reads where the writers of the audit trail are. */
export async function readStoredAuditHeads(
  connection: Connection,
  keys: Pick<ServiceKeys, "verifyRowMac">,
): Promise<StoredAuditHeads> {
  const rows = await connection.query("SELECT writer, sequence, body FROM membrane.audit");
  return readAuditHeads(
    rows.map((row) => ({ key: auditKeyOf(row), body: bytesOf(row, "body") })),
    keys,
  );
}

/** The key that the row has in LMDB, which its MAC covers. */
export function auditKeyOf(row: Row): Buffer {
  return auditHeadKey({ writer: uidColumnOf(row, "writer"), sequence: Number(bigintOf(row, "sequence")) });
}

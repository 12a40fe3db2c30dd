import { SERVICE_OWNER } from "../../../domain/quota.ts";
import type { MovedTable, VerifiedRow } from "../../transfer/stored-rows.ts";
import type { RecordRow } from "../row-changes.ts";
import { insertsOf } from "./row-inserts.ts";

/** What the columns in clear must be that are not in the key of a row, as the text that the statements of `stored-rows.ts` make. */
export function clearColumnsOf(table: MovedTable, row: VerifiedRow): string {
  const { records, lookups, names, counts, sweep } = insertsOf(table, [row]);
  for (const { key } of records.values()) return recordText(key);
  for (const { key } of lookups.values()) return key.uid;
  for (const { key } of names.values()) return key.holder ?? "";
  for (const { key } of counts.values()) return String(key.kind);
  for (const { key } of sweep.values()) return String(key.isRoot);
  return "";
}

function recordText({ dependsOn, name }: RecordRow): string {
  const nameText = name === undefined ? "" : Buffer.from(name.name, "utf8").toString("hex");
  const owner = name === undefined ? "" : (name.owner ?? SERVICE_OWNER);
  return `${dependsOn.toSorted().join(",")} ${owner} ${nameText}`;
}

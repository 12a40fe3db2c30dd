import type { MovedTable } from "../../transfer/stored-rows.ts";

/** The tables of the schema `membrane` that have the rows of a table that a move copies, for messages. */
export const TABLE_NAMES: Readonly<Record<MovedTable, string>> = {
  nodes: "record",
  lookups: "lookup",
  names: "name",
  children: "child",
  counts: "count",
  sweep: "sweep",
  audit: "audit",
};

import type { OptionSpec } from "../../../parse/option-spec.ts";

const GROUP = "What clients of the target may vary:";

export type OpeningOptionName =
  | "allow-path"
  | "allow-query"
  | "allow-query-key"
  | "allow-header"
  | "encoded-slash"
  | "empty-segments";

/** Options of what a target opens, by the fields of the export body that they fill. */
export const OPENING_OPTIONS: Readonly<Record<OpeningOptionName, OptionSpec>> = {
  "allow-path": {
    takes: "switch",
    describe: "Whether clients may add a path [default: false]",
    group: GROUP,
  },
  "allow-query": {
    takes: "switch",
    describe: "Whether clients may add a query [default: false]",
    insteadOfValue: "--allow-query-key NAME allows one key",
    group: GROUP,
  },
  "allow-query-key": {
    takes: "text",
    repeats: true,
    describe: "Query key that they may add, repeatable; others are refused",
    group: GROUP,
  },
  "allow-header": {
    takes: "text",
    repeats: true,
    describe: "Header that passes, although it does not by default; repeatable",
    group: GROUP,
  },
  "encoded-slash": {
    takes: "switch",
    describe: "Whether the path may have %2F [default: false]",
    group: GROUP,
  },
  "empty-segments": {
    takes: "switch",
    describe: "Whether the path may have // [default: false]",
    group: GROUP,
  },
};

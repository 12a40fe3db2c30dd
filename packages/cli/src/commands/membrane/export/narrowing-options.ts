import type { OptionSpec } from "../../../parse/option-spec.ts";

const GROUP = "Limits of the new capability:";

export type NarrowingOptionName =
  | "expires-in"
  | "expires-at"
  | "not-before"
  | "max-uses"
  | "max-uses-every"
  | "methods"
  | "path"
  | "max-body-bytes"
  | "client-cidr"
  | "delegable"
  | "from"
  | "label";

/** Options of limits, and of the label. What has no option comes from the file of `--from`. */
export const NARROWING_OPTIONS: Readonly<Record<NarrowingOptionName, OptionSpec>> = {
  "expires-in": { takes: "text", describe: "Lifetime, such as 7d or 1h30m", group: GROUP },
  "expires-at": { takes: "text", describe: "Expiry, as in RFC 3339", group: GROUP },
  "not-before": {
    takes: "text",
    describe: "Time before which it is not valid, as in RFC 3339",
    group: GROUP,
  },
  "max-uses": { takes: "text", describe: "How many requests it admits", group: GROUP },
  "max-uses-every": {
    takes: "text",
    describe: "Admit that many in each window of this length, such as 1m",
    group: GROUP,
  },
  methods: {
    takes: "text",
    repeats: true,
    describe: "Methods of clients that it admits, such as GET,HEAD",
    group: GROUP,
  },
  path: {
    takes: "text",
    repeats: true,
    describe: "Pattern of paths below the target's that it admits: /repos/o/r/**; repeatable",
    group: GROUP,
  },
  "max-body-bytes": { takes: "text", describe: "Longest body of a request that it admits", group: GROUP },
  "client-cidr": {
    takes: "text",
    repeats: true,
    describe: "Addresses of clients that it admits, such as 10.0.0.0/8; repeatable",
    group: GROUP,
  },
  delegable: { takes: "switch", describe: "Whether it may be passed on [default: true]", group: GROUP },
  from: {
    takes: "text",
    describe: "JSON file of limits, or -; only it can limit query, headers and requests",
    group: GROUP,
  },
  label: { takes: "text", describe: "Note for people, sealed with the capability", group: GROUP },
};

const IN_FILE = "this limit goes into the file of --from";

/** Names of limits, and common names of them, that are not options. */
export const LIMITS_WITHOUT_OPTION: ReadonlyMap<string, string> = new Map([
  ["query", `${IN_FILE}; --allow-query-key allows a key`],
  ["headers", `${IN_FILE}; --header is sent to the target`],
  ["requests", IN_FILE],
  ["limits", "each limit is an option, or in the file of --from"],
  ["ttl", "the lifetime is --expires-in"],
  ["ttlms", "the lifetime is --expires-in"],
]);

import type { CommandSpec } from "../../parse/command-spec.ts";
import { type AccessOptionName, ACCESS_OPTIONS } from "../options/shared-options.ts";
import { isPublicHeader } from "../options/public-header.ts";

export type RequestOptionName =
  | AccessOptionName
  | "method"
  | "header"
  | "data"
  | "path"
  | "query"
  | "output"
  | "include"
  | "raw";

export const REQUEST_SPEC: CommandSpec<RequestOptionName> = {
  name: "request",
  describe: "Invoke a capability: streams the response body to standard output",
  operand: { name: "URI", describe: "Capability URI, @FILE or @-" },
  options: {
    method: { takes: "text", short: "X", describe: "Method [default: GET, with --data POST]" },
    header: {
      takes: "secret",
      isPublic: isPublicHeader,
      repeats: true,
      short: "H",
      describe: '"Name: value" to send, repeatable; @FILE has such lines',
    },
    data: { takes: "text", short: "d", describe: "Body: text, @FILE, or @- for standard input" },
    path: {
      takes: "text",
      describe: "Path below the target's, if the capability allows one: /reports/1",
    },
    query: {
      takes: "text",
      describe: "Query, percent-encoded: a=b&c=d; unless the target allows it, dropped or a 403",
    },
    output: { takes: "text", short: "o", describe: "File for the body" },
    include: { takes: "switch", short: "i", describe: "Status line and headers before the body" },
    raw: {
      takes: "switch",
      describe: "Write control characters of the body to a terminal unescaped",
    },
    ...ACCESS_OPTIONS,
    capability: { ...ACCESS_OPTIONS.capability, describe: "The same as URI" },
    profile: { ...ACCESS_OPTIONS.profile, describe: 'Profile to take trusted CAs from [default: "default"]' },
  },
  examples: [
    ["capi request @report.txt", "GET, with the capability in a file"],
    ['capi request @lambda.txt -H "Content-Type: application/json" -d @event.json', "POST"],
    [
      "capi request @api.txt --path /repos/o/r/issues --query state=open",
      "A path and a query below the target's",
    ],
    ["tar c . | capi request @upload.txt -X PUT -d @-", "Streams standard input"],
  ],
};

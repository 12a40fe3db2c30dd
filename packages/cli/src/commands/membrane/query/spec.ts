import type { CommandSpec } from "../../../parse/command-spec.ts";
import { type AccessOptionName, ACCESS_OPTIONS } from "../../options/access.ts";
import { OUTPUT_OPTION } from "../../options/output-format.ts";

export type QueryOptionName = AccessOptionName | "id" | "last-id" | "limit" | "output";

export const QUERY_SPEC: CommandSpec<QueryOptionName> = {
  name: "membrane query",
  describe: "List membranes with their capabilities, in the order of their names",
  options: {
    id: { takes: "text", describe: "Only the membrane with this name" },
    "last-id": { takes: "text", describe: "Begin after this name, the last one of the previous list" },
    limit: { takes: "text", describe: "Most membranes to list, 1 to 1000 [default: 1]" },
    output: OUTPUT_OPTION,
    ...ACCESS_OPTIONS,
  },
  examples: [
    ["capi membrane query --limit 1000", "The first thousand"],
    ["capi membrane query --id my-membrane", "The capabilities of one"],
  ],
};

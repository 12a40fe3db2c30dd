import type { CommandSpec } from "../../parse/command-spec.ts";
import { type AccessOptionName, ACCESS_OPTIONS, OUTPUT_OPTION } from "../options/shared-options.ts";

export type CreateOptionName = AccessOptionName | "id" | "output";

export const CREATE_SPEC: CommandSpec<CreateOptionName> = {
  name: "membrane create",
  describe: "Create a membrane and print its export and revoke capabilities",
  options: {
    id: { takes: "text", describe: "The membrane's name, required" },
    output: OUTPUT_OPTION,
    ...ACCESS_OPTIONS,
  },
  examples: [
    ["capi membrane create --id my-membrane", "With the create capability of the profile"],
    ["capi membrane create --id my-membrane --capability @create.txt", "With a capability in a file"],
    [
      'made=$(capi membrane create --id my-membrane --output env) && eval "$made"',
      "Into $EXPORT_URI, $REVOKE_URI, …",
    ],
  ],
};

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

export type RevokeOptionName = AccessOptionName | "id";

export const REVOKE_SPEC: CommandSpec<RevokeOptionName> = {
  name: "membrane revoke",
  describe: "Revoke a membrane and everything that was exported through it",
  options: {
    id: { takes: "text", describe: "The membrane's name, in place of its revoke capability" },
    ...ACCESS_OPTIONS,
  },
  examples: [
    ["capi membrane revoke --id my-membrane", "By its name"],
    ["capi membrane revoke --capability @revoke.txt", "With its revoke capability"],
  ],
};

export type DeleteSelfOptionName = AccessOptionName;

export const DELETE_SELF_SPEC: CommandSpec<DeleteSelfOptionName> = {
  name: "membrane delete-self",
  describe: "Delete the tenant with all its membranes, at once and permanently",
  options: ACCESS_OPTIONS,
  examples: [["capi membrane delete-self --profile old", "With the deleteSelf capability of a profile"]],
};

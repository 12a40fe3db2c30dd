import { CliError } from "../../errors/cli-error.ts";
import type { CommandSpec } from "../command-spec.ts";
import { defineCommand } from "../command-spec.ts";
import { ACCESS_OPTIONS, readCapability, readTrustOptions } from "./access.ts";
import { EXPORT_SPEC } from "./export.ts";
import { OUTPUT_OPTION, readOutput } from "./output-format.ts";
import { readMembraneRef } from "./membrane-ref.ts";

const CREATE_SPEC = defineCommand({
  name: "membrane create",
  describe: "Make a membrane and print its export and revoke capabilities",
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
  async read(values) {
    const id = values.text("id");
    if (id === undefined) {
      throw new CliError("--id: expected the membrane's name, as in --id my-membrane");
    }
    return {
      name: "membrane create",
      capability: await readCapability(values, "capability"),
      trust: readTrustOptions(values),
      id,
      output: readOutput(values),
    };
  },
});

const QUERY_SPEC = defineCommand({
  name: "membrane query",
  describe: "List membranes with their capabilities, in the order of their names",
  options: {
    id: { takes: "text", describe: "The membrane of this name alone" },
    "last-id": { takes: "text", describe: "Begin after this name: the last one of the list before" },
    limit: { takes: "text", describe: "How many at most, 1 to 1000 [default: 1]" },
    output: OUTPUT_OPTION,
    ...ACCESS_OPTIONS,
  },
  examples: [
    ["capi membrane query --limit 1000", "The first thousand"],
    ["capi membrane query --id my-membrane", "The capabilities of one"],
  ],
  async read(values) {
    return {
      name: "membrane query",
      query: {
        id: values.text("id"),
        lastId: values.text("last-id"),
        limit: readLimit(values.text("limit")),
      },
      capability: await readCapability(values, "capability"),
      trust: readTrustOptions(values),
      output: readOutput(values),
    };
  },
});

const REVOKE_SPEC = defineCommand({
  name: "membrane revoke",
  describe: "Revoke a membrane, and all that was exported through it",
  options: {
    id: { takes: "text", describe: "The membrane's name, in place of its revoke capability" },
    ...ACCESS_OPTIONS,
  },
  examples: [
    ["capi membrane revoke --id my-membrane", "By its name"],
    ["capi membrane revoke --capability @revoke.txt", "With its revoke capability"],
  ],
  async read(values) {
    const membraneRef = await readMembraneRef(values, "revoke");
    return { name: "membrane revoke", membraneRef, trust: readTrustOptions(values) };
  },
});

const DELETE_SELF_SPEC = defineCommand({
  name: "membrane delete-self",
  describe: "End the tenant with all its membranes, at once and for good",
  options: ACCESS_OPTIONS,
  examples: [["capi membrane delete-self --profile old", "With the deleteSelf capability of a profile"]],
  async read(values) {
    const capability = await readCapability(values, "capability");
    return { name: "membrane delete-self", capability, trust: readTrustOptions(values) };
  },
});

export const MEMBRANE_SPECS: readonly CommandSpec[] = [
  CREATE_SPEC,
  EXPORT_SPEC,
  QUERY_SPEC,
  REVOKE_SPEC,
  DELETE_SELF_SPEC,
];

function readLimit(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,15}$/.test(text) || Number(text) < 1) {
    throw new CliError("--limit: expected a whole number of at least 1");
  }
  return Number(text);
}

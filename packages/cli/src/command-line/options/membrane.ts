import { Failure } from "../../failure/failure.ts";
import type { Entry } from "../entry.ts";
import { entry } from "../entry.ts";
import { ACCESS_OPTIONS, readCapability, readTrust } from "./access.ts";
import { EXPORT_ENTRY } from "./export.ts";
import { OUTPUT_OPTION, readOutput } from "./output-form.ts";
import { readThrough } from "./through.ts";

const CREATE_ENTRY = entry({
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
  async read(given) {
    const id = given.text("id");
    if (id === undefined) {
      throw new Failure("--id: expected the membrane's name, as in --id my-membrane");
    }
    return {
      name: "membrane create",
      capability: await readCapability(given, "capability"),
      trust: readTrust(given),
      id,
      output: readOutput(given),
    };
  },
});

const QUERY_ENTRY = entry({
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
  async read(given) {
    return {
      name: "membrane query",
      query: {
        id: given.text("id"),
        lastId: given.text("last-id"),
        limit: readLimit(given.text("limit")),
      },
      capability: await readCapability(given, "capability"),
      trust: readTrust(given),
      output: readOutput(given),
    };
  },
});

const REVOKE_ENTRY = entry({
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
  async read(given) {
    const through = await readThrough(given, "revoke");
    return { name: "membrane revoke", through, trust: readTrust(given) };
  },
});

const DELETE_SELF_ENTRY = entry({
  name: "membrane delete-self",
  describe: "End the tenant with all its membranes, at once and for good",
  options: ACCESS_OPTIONS,
  examples: [["capi membrane delete-self --profile old", "With the deleteSelf capability of a profile"]],
  async read(given) {
    const capability = await readCapability(given, "capability");
    return { name: "membrane delete-self", capability, trust: readTrust(given) };
  },
});

export const MEMBRANE_ENTRIES: readonly Entry[] = [
  CREATE_ENTRY,
  EXPORT_ENTRY,
  QUERY_ENTRY,
  REVOKE_ENTRY,
  DELETE_SELF_ENTRY,
];

function readLimit(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,15}$/.test(text) || Number(text) < 1) {
    throw new Failure("--limit: expected a whole number of at least 1");
  }
  return Number(text);
}

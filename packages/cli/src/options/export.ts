import { Failure } from "../failure.ts";
import { ACCESS_OPTIONS, readAccess, requireResolvable } from "./access.ts";
import type { Entry } from "./entry.ts";
import { entry } from "./entry.ts";
import { requireOneWay } from "./one-way.ts";
import { OUTPUT_OPTION, readOutput } from "./output-form.ts";
import { TARGET_OPTIONS, readTarget } from "./target.ts";

export const EXPORT_ENTRY: Entry = entry({
  name: "membrane export",
  describe: "Make a capability: for a target, or from a capability you hold",
  options: {
    ...TARGET_OPTIONS,
    "capability-to-export": {
      takes: "secret",
      describe: "Capability URI to pass on in place of a target, @FILE or @-",
    },
    id: { takes: "text", describe: "The membrane's name, in place of its export capability" },
    output: OUTPUT_OPTION,
    ...ACCESS_OPTIONS,
  },
  examples: [
    ["capi membrane export --id reports --uri https://api.example/v1/report", "A target"],
    [
      "capi membrane export --id reports --uri https://api.example/ --header @key",
      'With a header from a file: "X-Api-Key: …"',
    ],
    [
      "capi membrane export --id for-bob --capability-to-export @report.txt",
      "A capability passed on, so that it can be revoked alone",
    ],
  ],
  async read(given) {
    const access = await readAccess(given);
    const id = given.text("id");
    requireOneWay("export", access.capability, id);
    const held = await given.secret("capability-to-export");
    const target = await readTarget(given);
    const output = readOutput(given);
    if ((held === undefined) === (target === undefined)) throw neitherOrBoth(held !== undefined);
    const body = target ?? { capability: requireResolvable("--capability-to-export", held ?? "") };
    return { name: "membrane export", access, ...(id !== undefined && { id }), body, output };
  },
});

function neitherOrBoth(isBoth: boolean): Failure {
  return isBoth
    ? new Failure("--capability-to-export: expected without --uri and the options that belong to it")
    : new Failure("--uri: expected the target's URI, or --capability-to-export with a capability you hold");
}

import { formatCapabilityUri } from "capability-protocol";
import type { AuthorityCapabilityUri } from "capability-protocol";
import type { ExportBody, TargetBody } from "capability-sdk";
import { Failure } from "../../failure/failure.ts";
import type { Entry } from "../entry.ts";
import { entry } from "../entry.ts";
import { ACCESS_OPTIONS, readCapability, readTrust } from "./access.ts";
import { OUTPUT_OPTION, readOutput } from "./output-form.ts";
import { TARGET_OPTIONS, readTarget } from "./target.ts";
import { readThrough } from "./through.ts";

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
    const through = await readThrough(given, "export");
    const held = await readCapability(given, "capability-to-export");
    const body = chooseBody(held, await readTarget(given));
    return { name: "membrane export", through, trust: readTrust(given), body, output: readOutput(given) };
  },
});

function chooseBody(held: AuthorityCapabilityUri | undefined, target: TargetBody | undefined): ExportBody {
  if (held !== undefined && target === undefined) return { capability: formatCapabilityUri(held) };
  if (held === undefined && target !== undefined) return target;
  throw held === undefined
    ? new Failure("--uri: expected the target's URI, or --capability-to-export with a capability you hold")
    : new Failure("--capability-to-export: expected without --uri and the options that belong to it");
}

import type { AuthorityCapabilityUri } from "capability-protocol";
import type { CommandSpec } from "../../../parse/command-spec.ts";
import { defineCommand } from "../../../parse/command-spec.ts";
import type { TrustOptions } from "../../../trust/trust-options.ts";
import { ACCESS_OPTIONS, readCapability, readTrustOptions } from "../../options/access.ts";

export interface DeleteSelfInput {
  /** Default: the profile's. */
  readonly capability: AuthorityCapabilityUri | undefined;
  readonly trust: TrustOptions;
}

export const DELETE_SELF_SPEC: CommandSpec<DeleteSelfInput> = defineCommand({
  name: "membrane delete-self",
  describe: "Delete the tenant with all its membranes, at once and permanently",
  options: ACCESS_OPTIONS,
  examples: [["capi membrane delete-self --profile old", "With the deleteSelf capability of a profile"]],
  async read(values) {
    return { capability: await readCapability(values, "capability"), trust: readTrustOptions(values) };
  },
});

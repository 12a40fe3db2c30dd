import type { CommandSpec } from "../../../parse/command-spec.ts";
import { defineCommand } from "../../../parse/command-spec.ts";
import { PROFILE_OPTION, SERVICE_OPTION, readProfileName } from "../options.ts";

export interface CaInput {
  readonly profile: string;
}

export const CA_SPEC: CommandSpec<CaInput> = defineCommand({
  name: "config ca",
  describe: "Write the CA certificates that a profile trusts, for other clients",
  options: { service: SERVICE_OPTION, profile: PROFILE_OPTION },
  examples: [
    ["capi config ca >membrane-ca.pem", "The file for AWS_CA_BUNDLE, NODE_EXTRA_CA_CERTS and others"],
  ],
  read: (values) => ({ profile: readProfileName(values) }),
});

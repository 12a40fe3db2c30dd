import type { TenantCapabilityUris } from "../../../capability/tenant-capabilities.ts";
import type { CommandSpec } from "../../../parse/command-spec.ts";
import { defineCommand } from "../../../parse/command-spec.ts";
import { readCapability } from "../../options/access.ts";
import { PROFILE_OPTION, SERVICE_OPTION, readProfileName } from "../options.ts";

export interface ConfigureInput {
  readonly profile: string;
  readonly capabilityUris: TenantCapabilityUris;
  /** Path of a PEM file. */
  readonly cacert: string | undefined;
}

export const CONFIGURE_SPEC: CommandSpec<ConfigureInput> = defineCommand({
  name: "config configure",
  describe: "Store capabilities and a CA in a profile; asks for them if no option gives them",
  options: {
    service: SERVICE_OPTION,
    profile: PROFILE_OPTION,
    create: { takes: "secret", describe: "The tenant's create capability, @FILE or @-" },
    query: { takes: "secret", describe: "The tenant's query capability, @FILE or @-" },
    "delete-self": { takes: "secret", describe: "The tenant's deleteSelf capability, @FILE or @-" },
    cacert: { takes: "text", describe: "PEM file of the CA to trust for their authority" },
  },
  examples: [
    ["capi config configure", "Asks for each value"],
    ["capi config configure --cacert membrane-data/tls/ca.pem", "Sets only the CA"],
  ],
  async read(values) {
    return {
      profile: readProfileName(values),
      capabilityUris: {
        create: await readCapability(values, "create"),
        query: await readCapability(values, "query"),
        deleteSelf: await readCapability(values, "delete-self"),
      },
      cacert: values.text("cacert"),
    };
  },
});

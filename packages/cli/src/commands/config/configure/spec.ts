import type { CommandSpec } from "../../../parse/command-spec.ts";
import { PROFILE_OPTION, SERVICE_OPTION } from "../options.ts";

export type ConfigureOptionName = "service" | "profile" | "create" | "query" | "delete-self" | "cacert";

export const CONFIGURE_SPEC: CommandSpec<ConfigureOptionName> = {
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
};

import type { CommandSpec } from "../../parse/command-spec.ts";
import type { OptionSpec } from "../../parse/option-spec.ts";

const SERVICE_OPTION: OptionSpec = {
  takes: "text",
  choices: ["membrane"],
  describe: "Service of the profile's capabilities [default: membrane]",
};

const PROFILE_OPTION: OptionSpec = {
  takes: "text",
  describe: 'Name of the profile [default: "default"]',
};

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

export type ListOptionName = "service" | "profile";

export const LIST_SPEC: CommandSpec<ListOptionName> = {
  name: "config list",
  describe: "Show the contents of a profile without its secrets",
  options: { service: SERVICE_OPTION, profile: PROFILE_OPTION },
  examples: [["capi config list --profile work", "Shows the profile with this name"]],
};

export type CaOptionName = "service" | "profile";

export const CA_SPEC: CommandSpec<CaOptionName> = {
  name: "config ca",
  describe: "Write the CA certificates that a profile trusts, for other clients",
  options: { service: SERVICE_OPTION, profile: PROFILE_OPTION },
  examples: [
    ["capi config ca >membrane-ca.pem", "The file for AWS_CA_BUNDLE, NODE_EXTRA_CA_CERTS and others"],
  ],
};

export type RemoveOptionName = "profile";

export const REMOVE_SPEC: CommandSpec<RemoveOptionName> = {
  name: "config remove",
  describe: "Remove a profile; its capabilities still work",
  options: { profile: { ...PROFILE_OPTION, describe: "Name of the profile, required" } },
  examples: [["capi config remove --profile old", "Removes the profile with this name"]],
};

import { DEFAULT_PROFILE } from "../../capability/named-profile.ts";
import { CliError } from "../../errors/cli-error.ts";
import type { CommandSpec } from "../command-spec.ts";
import { defineCommand } from "../command-spec.ts";
import type { OptionValues } from "../option-values.ts";
import type { OptionSpec } from "../option-spec.ts";
import { readCapability } from "./access.ts";

const SERVICE: OptionSpec = {
  takes: "text",
  choices: ["membrane"],
  describe: "Service whose capabilities the profile holds [default: membrane]",
};

const PROFILE: OptionSpec = {
  takes: "text",
  describe: 'Name of the profile [default: "default"]',
};

const CONFIGURE_SPEC = defineCommand({
  name: "config configure",
  describe: "Keep capabilities and a CA in a profile; asks for them unless options say",
  options: {
    service: SERVICE,
    profile: PROFILE,
    create: { takes: "secret", describe: "The tenant's create capability, @FILE or @-" },
    query: { takes: "secret", describe: "The tenant's query capability, @FILE or @-" },
    "delete-self": { takes: "secret", describe: "The tenant's deleteSelf capability, @FILE or @-" },
    cacert: { takes: "text", describe: "PEM file of the CA to trust for their authority" },
  },
  examples: [
    ["capi config configure", "Asks for each value"],
    ["capi config configure --cacert membrane-data/tls/ca.pem", "Sets one alone"],
  ],
  async read(values) {
    return {
      name: "config configure",
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

const LIST_SPEC = defineCommand({
  name: "config list",
  describe: "Show what a profile holds, without its secrets",
  options: { service: SERVICE, profile: PROFILE },
  examples: [["capi config list --profile work", "The profile of this name"]],
  read: (values) => ({ name: "config list", profile: readProfileName(values) }),
});

const REMOVE_SPEC = defineCommand({
  name: "config remove",
  describe: "Forget a profile; its capabilities go on working",
  options: { profile: { ...PROFILE, describe: "Name of the profile, required" } },
  examples: [["capi config remove --profile old", "The profile of this name"]],
  read(values) {
    const profile = values.text("profile");
    if (profile === undefined) throw new CliError("--profile: expected the name of the profile to remove");
    return { name: "config remove", profile };
  },
});

export const CONFIG_SPECS: readonly CommandSpec[] = [CONFIGURE_SPEC, LIST_SPEC, REMOVE_SPEC];

function readProfileName(values: OptionValues<"profile">): string {
  return values.text("profile") ?? DEFAULT_PROFILE;
}

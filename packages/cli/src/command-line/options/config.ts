import { DEFAULT_PROFILE } from "../../capability/named-profile.ts";
import { Failure } from "../../failure/failure.ts";
import type { Entry } from "../entry.ts";
import { entry } from "../entry.ts";
import type { Given } from "../given.ts";
import type { Option } from "../option.ts";
import { readCapability } from "./access.ts";

const SERVICE: Option = {
  takes: "text",
  choices: ["membrane"],
  describe: "Service whose capabilities the profile holds [default: membrane]",
};

const PROFILE: Option = {
  takes: "text",
  describe: 'Name of the profile [default: "default"]',
};

const CONFIGURE_ENTRY = entry({
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
  async read(given) {
    return {
      name: "config configure",
      profile: readProfileName(given),
      given: {
        create: await readCapability(given, "create"),
        query: await readCapability(given, "query"),
        deleteSelf: await readCapability(given, "delete-self"),
      },
      cacert: given.text("cacert"),
    };
  },
});

const LIST_ENTRY = entry({
  name: "config list",
  describe: "Show what a profile holds, without its secrets",
  options: { service: SERVICE, profile: PROFILE },
  examples: [["capi config list --profile work", "The profile of this name"]],
  read: (given) => ({ name: "config list", profile: readProfileName(given) }),
});

const REMOVE_ENTRY = entry({
  name: "config remove",
  describe: "Forget a profile; its capabilities go on working",
  options: { profile: { ...PROFILE, describe: "Name of the profile, required" } },
  examples: [["capi config remove --profile old", "The profile of this name"]],
  read(given) {
    const profile = given.text("profile");
    if (profile === undefined) throw new Failure("--profile: expected the name of the profile to remove");
    return { name: "config remove", profile };
  },
});

export const CONFIG_ENTRIES: readonly Entry[] = [CONFIGURE_ENTRY, LIST_ENTRY, REMOVE_ENTRY];

function readProfileName(given: Given<"profile">): string {
  return given.text("profile") ?? DEFAULT_PROFILE;
}

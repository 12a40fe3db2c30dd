import { DEFAULT_PROFILE } from "../../capability/named-profile.ts";
import type { OptionSpec } from "../../parse/option-spec.ts";
import type { OptionValues } from "../../parse/option-values.ts";

export const SERVICE_OPTION: OptionSpec = {
  takes: "text",
  choices: ["membrane"],
  describe: "Service of the profile's capabilities [default: membrane]",
};

export const PROFILE_OPTION: OptionSpec = {
  takes: "text",
  describe: 'Name of the profile [default: "default"]',
};

export function readProfileName(values: OptionValues<"profile">): string {
  return values.text("profile") ?? DEFAULT_PROFILE;
}

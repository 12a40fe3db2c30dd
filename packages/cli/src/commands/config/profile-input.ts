import type { OptionValues } from "../../parse/option-values.ts";
import { DEFAULT_PROFILE } from "../../capability/profile-option.ts";

/** The input of a command that needs only a profile. */
export interface ProfileInput {
  /** Its name. */
  readonly profile: string;
}

export function read(values: OptionValues<"profile">): ProfileInput {
  return { profile: readProfileName(values) };
}

export function readProfileName(values: OptionValues<"profile">): string {
  return values.text("profile") ?? DEFAULT_PROFILE;
}

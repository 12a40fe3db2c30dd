import type { OptionValues } from "../../parse/option-values.ts";
import { readProfileName } from "./options.ts";

/** The input of a command that needs only a profile. */
export interface ProfileInput {
  /** Its name. */
  readonly profile: string;
}

export function read(values: OptionValues<"profile">): ProfileInput {
  return { profile: readProfileName(values) };
}

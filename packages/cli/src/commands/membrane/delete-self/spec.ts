import type { CommandSpec } from "../../../parse/command-spec.ts";
import { type AccessOptionName, ACCESS_OPTIONS } from "../../options/access.ts";

export type DeleteSelfOptionName = AccessOptionName;

export const DELETE_SELF_SPEC: CommandSpec<DeleteSelfOptionName> = {
  name: "membrane delete-self",
  describe: "Delete the tenant with all its membranes, at once and permanently",
  options: ACCESS_OPTIONS,
  examples: [["capi membrane delete-self --profile old", "With the deleteSelf capability of a profile"]],
};

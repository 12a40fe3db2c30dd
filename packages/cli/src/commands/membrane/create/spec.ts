import type { CommandSpec } from "../../../parse/command-spec.ts";
import { type AccessOptionName, ACCESS_OPTIONS } from "../../options/access.ts";
import { OUTPUT_OPTION } from "../../options/output-format.ts";

export type CreateOptionName = AccessOptionName | "id" | "output";

export const CREATE_SPEC: CommandSpec<CreateOptionName> = {
  name: "membrane create",
  describe: "Create a membrane and print its export and revoke capabilities",
  options: {
    id: { takes: "text", describe: "The membrane's name, required" },
    output: OUTPUT_OPTION,
    ...ACCESS_OPTIONS,
  },
  examples: [
    ["capi membrane create --id my-membrane", "With the create capability of the profile"],
    ["capi membrane create --id my-membrane --capability @create.txt", "With a capability in a file"],
    [
      'made=$(capi membrane create --id my-membrane --output env) && eval "$made"',
      "Into $EXPORT_URI, $REVOKE_URI, …",
    ],
  ],
};

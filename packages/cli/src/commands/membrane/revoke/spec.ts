import type { CommandSpec } from "../../../parse/command-spec.ts";
import { type AccessOptionName, ACCESS_OPTIONS } from "../../options/access.ts";

export type RevokeOptionName = AccessOptionName | "id";

export const REVOKE_SPEC: CommandSpec<RevokeOptionName> = {
  name: "membrane revoke",
  describe: "Revoke a membrane and everything that was exported through it",
  options: {
    id: { takes: "text", describe: "The membrane's name, in place of its revoke capability" },
    ...ACCESS_OPTIONS,
  },
  examples: [
    ["capi membrane revoke --id my-membrane", "By its name"],
    ["capi membrane revoke --capability @revoke.txt", "With its revoke capability"],
  ],
};

import type { CommandSpec } from "../../../parse/command-spec.ts";
import { defineCommand } from "../../../parse/command-spec.ts";
import type { TrustOptions } from "../../../trust/trust-options.ts";
import { ACCESS_OPTIONS, readTrustOptions } from "../../options/access.ts";
import type { MembraneRef } from "../membrane-ref.ts";
import { readMembraneRef } from "../membrane-ref.ts";

export interface RevokeInput {
  readonly membraneRef: MembraneRef;
  readonly trust: TrustOptions;
}

export const REVOKE_SPEC: CommandSpec<RevokeInput> = defineCommand({
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
  async read(values) {
    return { membraneRef: await readMembraneRef(values, "revoke"), trust: readTrustOptions(values) };
  },
});

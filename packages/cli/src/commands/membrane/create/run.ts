import { profileOption } from "../../../capability/profile-option.ts";
import { callService } from "../../../capability/call-service.ts";
import { resolveTenantCapability } from "../../../capability/resolved-capability.ts";
import { TENANT_RIGHTS } from "../../../capability/tenant-capabilities.ts";
import type { Io } from "../../../io.ts";
import { formatMembrane } from "../../../output.ts";
import { isPrintable, shellWord } from "../../../shell.ts";
import { printHint } from "../../../terminal.ts";
import { withId } from "../resolve-membrane.ts";
import type { CreateInput } from "./read.ts";

export { read } from "./read.ts";

export async function run({ capability: explicit, trust, id, output }: CreateInput, io: Io): Promise<void> {
  const resolved = withId(await resolveTenantCapability(explicit, TENANT_RIGHTS.create, trust, io), id);
  const response = await callService(resolved, (membrane, capability) => membrane.create(capability, { id }));
  io.stdout.write(formatMembrane(response, output));
  const which = explicit === undefined && isPrintable(id) ? `--id ${shellWord(id)}` : "--capability @FILE";
  printHint(io, `Next: capi membrane export ${which}${profileOption(trust.profile)} --uri https://…`);
}

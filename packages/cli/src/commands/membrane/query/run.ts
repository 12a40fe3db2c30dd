import { callService } from "../../../capability/call-service.ts";
import { resolveTenantCapability } from "../../../capability/resolved-capability.ts";
import { TENANT_RIGHTS } from "../../../capability/tenant-capabilities.ts";
import type { Io } from "../../../io.ts";
import { formatQuery } from "../../../output.ts";
import { isPrintable, shellWord } from "../../../shell.ts";
import { printHint } from "../../../terminal.ts";
import { withId } from "../resolve-membrane.ts";
import type { QueryInput } from "./read.ts";

export { read } from "./read.ts";

export async function run({ capability: explicit, trust, query, output }: QueryInput, io: Io): Promise<void> {
  const resolved = withId(await resolveTenantCapability(explicit, TENANT_RIGHTS.query, trust, io), query.id);
  const response = await callService(resolved, (membrane, capability) => membrane.query(capability, query));
  io.stdout.write(formatQuery(response, output));
  const last = response.membranes.at(-1)?.id;
  if (response.completed || last === undefined || !isPrintable(last)) return;
  printHint(io, `There are more: add --last-id ${shellWord(last)} to continue, --limit N for more at once`);
}

import { callService } from "../../../capability/call-service.ts";
import { resolveTenantCapability } from "../../../capability/resolved-capability.ts";
import { TENANT_RIGHTS } from "../../../capability/tenant-capabilities.ts";
import type { Io } from "../../../io.ts";
import { formatJson } from "../../../output.ts";
import type { DeleteSelfInput } from "./read.ts";

export { read } from "./read.ts";

export async function run({ capability: explicit, trust }: DeleteSelfInput, io: Io): Promise<void> {
  const resolved = await resolveTenantCapability(explicit, TENANT_RIGHTS.deleteSelf, trust, io);
  const response = await callService(resolved, (membrane, capability) => membrane.deleteSelf(capability));
  io.stdout.write(formatJson(response));
}

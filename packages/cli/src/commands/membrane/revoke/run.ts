import { callService } from "../../../capability/call-service.ts";
import type { Io } from "../../../io.ts";
import { formatJson } from "../../../output.ts";
import { resolveMembraneCapability } from "../resolve-membrane.ts";
import type { RevokeInput } from "./read.ts";

export { read } from "./read.ts";

export async function run({ membraneRef, trust }: RevokeInput, io: Io): Promise<void> {
  const resolved = await resolveMembraneCapability(membraneRef, "revoke", trust, io);
  const response = await callService(resolved, (membrane, capability) => membrane.revoke(capability));
  io.stdout.write(formatJson(response));
}

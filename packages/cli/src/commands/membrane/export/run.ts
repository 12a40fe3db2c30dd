import { callService } from "../../../capability/resolved-capability.ts";
import type { Io } from "../../../io.ts";
import { formatExport } from "../../../output.ts";
import { printHint } from "../../../terminal.ts";
import { resolveMembraneCapability } from "../resolve-membrane.ts";
import type { ExportInput } from "./spec.ts";

export async function runExport({ membraneRef, trust, body, output }: ExportInput, io: Io): Promise<void> {
  const resolved = await resolveMembraneCapability(membraneRef, "export", trust, io);
  const response = await callService(resolved, (membrane, capability) => membrane.export(capability, body));
  io.stdout.write(formatExport(response, body.label, output));
  printHint(
    io,
    "Next: capi request @FILE invokes it. To pass it on and be able to revoke it: capi membrane export --capability-to-export @FILE",
  );
}

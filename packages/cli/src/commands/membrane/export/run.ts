import { resolve } from "node:path";
import { parseExportRequest } from "capability-protocol";
import type { ResolvedCapability } from "../../../capability/resolved-capability.ts";
import { callService } from "../../../capability/call-service.ts";
import { describeField } from "../../../errors/field-option.ts";
import { profileOption } from "../../../capability/profile-option.ts";
import type { TrustOptions } from "../../../trust/trust-options.ts";
import type { Io } from "../../../io.ts";
import { formatExport } from "../../../output.ts";
import { printHint, printWarning } from "../../../terminal.ts";
import { resolveMembraneCapability } from "../resolve-membrane.ts";
import { findLimitWarnings } from "./limit-warnings.ts";
import { mergeWarnings } from "./merge-warnings.ts";
import { printPreset } from "./preset/print-preset.ts";
import type { ExportInput } from "./read.ts";
import { findTargetWarnings } from "./target-warnings.ts";

export { read } from "./read.ts";

/** In place of the file of a CA that is known from a profile, which has no file that a client could read. */
const CA_FILE = "FILE";

export async function run(input: ExportInput, io: Io): Promise<void> {
  const { membraneRef, trust, body, limitsFile, output, preset } = input;
  const found = await resolveMembraneCapability(membraneRef, "export", trust, io);
  const resolved: ResolvedCapability = {
    ...found,
    context: { ...found.context, limitsFile, preset: preset?.preset.name },
  };
  const response = await callService(resolved, (membrane, capability) => membrane.export(capability, body));
  io.stdout.write(formatExport(response, body.label, output));
  printWarnings(input, io);
  if (preset !== undefined && "uri" in body) {
    const named = trust.caFile === undefined ? CA_FILE : resolve(trust.caFile);
    const caFile = resolved.ca === undefined ? undefined : named;
    printPreset(
      preset,
      { capability: response.capability, caFile, caSource: caSourceOf(trust), target: body },
      io,
    );
    return;
  }
  printHint(
    io,
    "Next: capi request @FILE invokes it. To pass it on and be able to revoke it: capi membrane export --capability-to-export @FILE",
  );
}

/** Only a profile's CA can be written by `capi`. */
function caSourceOf({ profile, caFile, trustedCaFile }: TrustOptions): string {
  return caFile === undefined && trustedCaFile === undefined
    ? `written by capi config ca${profileOption(profile)} >${CA_FILE}`
    : "tls/ca.pem in its data directory";
}

/** Limits that can never be met are valid and useless, so the export succeeds. */
function printWarnings({ body, limitsFile, preset }: ExportInput, io: Io): void {
  const request = parseExportRequest(body);
  if (!request.ok) return;
  const source = { right: "export", limitsFile, preset: preset?.preset.name };
  const found = [...findLimitWarnings(request.value, new Date()), ...findTargetWarnings(request.value)];
  for (const { field, message, others } of mergeWarnings(found)) {
    const more = others === 0 ? "" : ` and ${others} more`;
    printWarning(io, `${describeField(field, source)}${more}: ${message}`);
  }
}

import type { ExportRequest } from "capability-protocol";
import { err, ok, startLimits } from "capability-protocol";
import type { Outcome } from "../domain/denial.ts";
import type { Narrowing } from "../domain/limits.ts";

/**
 * Reads what narrows the capability that an export makes now.
 *
 * @param now milliseconds since 1970.
 */
export function narrowingOf({ limits, label }: ExportRequest, now: number): Outcome<Narrowing> {
  const labelled = label === undefined ? {} : { label };
  if (limits === undefined) return ok(labelled);
  const started = startLimits(limits, now);
  if (!started.ok) return err({ reason: "invalid_field", problem: started.error });
  return ok({ own: { createdAt: now, limits: started.value }, ...labelled });
}

/** The end of a new capability, as the response to its export has it. */
export function formatEnd({ own }: Narrowing): { readonly expiresAt?: string } {
  const expiresAt = own?.limits.expiresAt;
  return expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() };
}

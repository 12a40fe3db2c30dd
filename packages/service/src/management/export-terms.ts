import type { ExportRequest } from "capability-protocol";
import { err, ok, startLimits } from "capability-protocol";
import type { Outcome } from "../domain/denial.ts";
import { invalid, PASSED } from "../domain/denial.ts";
import type { ExportTerms } from "../domain/limits.ts";
import { MAX_SEALED_BYTES } from "../domain/limits.ts";
import type { StoredCapability } from "../store/record.ts";

/**
 * Reads on which terms an export makes a capability now.
 *
 * @param now milliseconds since 1970.
 */
export function exportTermsOf({ limits, label }: ExportRequest, now: number): Outcome<ExportTerms> {
  const labeled = label === undefined ? {} : { label };
  if (limits === undefined) return ok(labeled);
  const started = startLimits(limits, now);
  if (!started.ok) return err({ reason: "invalid_field", problem: started.error });
  return ok({ own: { createdAt: now, limits: started.value }, ...labeled });
}

/** Refuses limits that are too long together with those that the capability inherits. */
export function checkSealedSize({ own }: ExportTerms, { sealed }: StoredCapability): Outcome<undefined> {
  return own === undefined || sealed.length <= MAX_SEALED_BYTES
    ? PASSED
    : invalid("limits", `limits that take, with all that are inherited, at most ${MAX_SEALED_BYTES} bytes`);
}

/**
 * The end of a new capability, as the response to its export has it: the earliest of its end and of those that it inherits. The
 * capability of the service that made it may end it sooner, which is not said to a holder who was lent it.
 */
export function formatEnd({ own, inherited = [] }: ExportTerms): { readonly expiresAt?: string } {
  const limits = [own?.limits, ...inherited.map((node) => node.limits)];
  const end = Math.min(...limits.map((each) => each?.expiresAt ?? Number.POSITIVE_INFINITY));
  return Number.isFinite(end) ? { expiresAt: new Date(end).toISOString() } : {};
}

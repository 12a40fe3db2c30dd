import { err, ok, printableName } from "capability-protocol";
import type { IpAddress } from "../../net/address.ts";
import { isInAny } from "../../net/peer-address.ts";
import type { Outcome } from "../../domain/denial.ts";
import { clientHeader } from "../header-rules.ts";
import type { CompiledLimits } from "./compiled-limits.ts";
import type { HeaderFilter, SignedHeaderRule } from "./header-limit.ts";
import { checkHeaderLine } from "./header-limit.ts";
import type { CheckedRequest } from "./check-rules.ts";
import { HEADER_STAGE, checkRules } from "./check-rules.ts";

/**
 * Whether a capability is valid at this moment for this client. If not, it is refused as one that does not exist.
 *
 * @param now milliseconds since 1970.
 * @param address nothing if it is not numeric.
 */
export function isValidFor(
  { notBefore, clientCidrs }: CompiledLimits,
  now: number,
  address: IpAddress | undefined,
): boolean {
  if (now < notBefore) return false;
  return clientCidrs.every((blocks) => address !== undefined && isInAny(address, blocks));
}

/**
 * Checks a request that the openings of its target let through.
 *
 * @param signedRule what the target's signature says about a header.
 * @returns the client's header lines that pass, or the refusal. It is the one that comes first by method, path, query and headers.
 */
export function applyLimits(
  { headers, rules }: CompiledLimits,
  request: CheckedRequest,
  signedRule: SignedHeaderRule,
): Outcome<readonly string[]> {
  const kept =
    headers === undefined ? ok(request.headers) : filterHeaders(headers, request.headers, signedRule);
  const refusal = checkRules(rules, kept.ok ? { ...request, headers: kept.value } : request);
  if (refusal === undefined || (!kept.ok && refusal.stage === HEADER_STAGE)) return kept;
  return err(refusal.denial);
}

function filterHeaders(
  filter: HeaderFilter,
  headers: readonly string[],
  signedRule: SignedHeaderRule,
): Outcome<readonly string[]> {
  const kept: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    const value = headers[i + 1] ?? "";
    const verdict = checkHeaderLine(filter, clientHeader(name), value, signedRule);
    if (verdict === "refuse")
      return err({ reason: "header_not_allowed", name: printableName(name), why: "not_named" });
    if (verdict === "pass") kept.push(name, value);
  }
  return ok(kept);
}

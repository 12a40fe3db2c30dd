import type { CanonicalPath, HeaderLimit, Limits } from "capability-protocol";
import { canonicalizePath } from "capability-protocol";
import type { CompiledLimits } from "../../service/src/invocation/limits/compiled-limits.ts";
import type { Denial, Outcome } from "../../service/src/domain/denial.ts";
import { applyLimits } from "../../service/src/invocation/limits/apply-limits.ts";
import type { CheckedRequest } from "../../service/src/invocation/limits/check-rules.ts";
import { compileLimits } from "../../service/src/invocation/limits/compiled-limits.ts";
import type { SignedHeaderRule } from "../../service/src/invocation/limits/header-limit.ts";

const unsigned: SignedHeaderRule = () => undefined;

/** Compiles the limits of capabilities, the presented one first. */
export function compileChain(...chain: readonly Limits[]): CompiledLimits {
  const limits = compileLimits(chain.map((each) => ({ limits: each })));
  if (limits === undefined) throw new Error("the limits narrow nothing");
  return limits;
}

function pathOf(text: string): CanonicalPath {
  const path = canonicalizePath(text, { encodedSlash: true, emptySegments: true });
  if (!path.ok) throw new Error(path.error.message);
  return path.value;
}

/** What a request has that is not usual. */
export type GivenRequest = Partial<Omit<CheckedRequest, "path">> & { readonly path?: string };

/** Applies a chain of limits to a request. */
export function applyChain(
  chain: readonly Limits[],
  { path = "/", ...given }: GivenRequest = {},
  rule = unsigned,
): Outcome<readonly string[]> {
  const request = { method: "GET", path: pathOf(path), query: "", headers: [], fixedHeaders: [], ...given };
  return applyLimits(compileChain(...chain), request, rule);
}

export function refusal(
  chain: readonly Limits[],
  given?: GivenRequest,
  rule?: SignedHeaderRule,
): Denial | undefined {
  const outcome = applyChain(chain, given, rule);
  return outcome.ok ? undefined : outcome.error;
}

/** The header lines that a limit leaves, or the refusal. */
export function keptHeaders(
  headers: HeaderLimit,
  lines: readonly string[],
  rule?: SignedHeaderRule,
): readonly string[] | Denial {
  const outcome = applyChain([{ headers }], { headers: lines }, rule);
  return outcome.ok ? outcome.value : outcome.error;
}

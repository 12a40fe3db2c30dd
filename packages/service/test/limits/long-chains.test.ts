import type { AllowedValues, RequestLimit } from "capability-protocol";
import { canonicalizePath } from "capability-protocol";
import { expect, test } from "vitest";
import { applyLimits } from "../../src/invocation/limits/apply-limits.ts";
import type { CheckedRequest } from "../../src/invocation/limits/check-rules.ts";
import { compileLimits } from "../../src/invocation/limits/compiled-limits.ts";
import { cost, walk } from "../support/work.ts";

/*
 * A holder chooses both the limits of its re-exports and its requests. Each has a bound, and what takes their product in time
 * holds the event loop for a second with every request.
 */

const CAPABILITIES = 40;
const ALTERNATIVES = 32;

/** A head of 16 KiB and limits of 64 KiB, the longest by default. */
const LONGEST = "a".repeat((16 + 64) * 1024);

/** The most steps of {@link walk} for each character. Checks take up to five; one that takes the product takes a hundred or more. */
const MAX_STEPS = 40;

const only = (name: string): ReadonlyMap<string, AllowedValues<string>> => new Map([[name, ["y"]]]);

/** A chain of capabilities, each with as many alternatives as it may have. The last alternative can be another one. */
function chainOf(alternative: RequestLimit, last: RequestLimit = alternative) {
  const requests = [...Array.from({ length: ALTERNATIVES - 1 }, () => alternative), last];
  return Array.from({ length: CAPABILITIES }, () => ({ limits: { requests } }));
}

function repeatedLine(count: number, name: string, value: string): readonly string[] {
  return Array.from({ length: count }, () => [name, value]).flat();
}

type Given = Partial<Omit<CheckedRequest, "path">> & { readonly path?: string };

test.each<[string, RequestLimit, Given]>([
  [
    "one header of MCP in 680 lines",
    { headers: only("mcp-a") },
    { headers: repeatedLine(680, "mcp-a", "=?base64?eQ==?=") },
  ],
  [
    "a method of MCP in 680 lines",
    { headers: only("mcp-name") },
    { headers: repeatedLine(680, "mcp-method", "=?base64?eQ==?=") },
  ],
  [
    "a long header of MCP",
    { headers: only("mcp-a") },
    { headers: ["mcp-a", `=?base64?${"eXl5".repeat(3_700)}?=`] },
  ],
  ["one header in 2,500 lines", { headers: only("x") }, { headers: repeatedLine(2_500, "x", "y") }],
  ["one key 7,400 times", { query: only("k") }, { query: "k&".repeat(7_400) }],
  ["a long value of a key", { query: only("k") }, { query: `k=${"%79".repeat(5_000)}` }],
  ["a path of 7,500 segments", { paths: [`${"/*".repeat(12)}/x`] }, { path: "/a".repeat(7_500) }],
])("%s costs as much as the request and the limits together, not one times the other", (_, limit, given) => {
  expect(checkCost(chainOf(limit), given)).toBeLessThan(MAX_STEPS * walkCost());
});

test("the methods that a refusal names are found once, however many alternatives refuse", () => {
  const chain = chainOf({ methods: ["PUT"] }, { methods: ["GET", "HEAD", "POST", "PATCH", "DELETE"] });
  expect(checkCost(chain, { method: "OPTIONS" })).toBeLessThan(MAX_STEPS * walkCost());
});

/** The time to refuse a request, so that all alternatives are checked, in milliseconds. */
function checkCost(chain: ReturnType<typeof chainOf>, { path = "/", ...given }: Given): number {
  const canonical = canonicalizePath(path, { encodedSlash: false, emptySegments: false });
  const limits = compileLimits(chain);
  if (!canonical.ok || limits === undefined) throw new Error("expected a path, and limits that narrow");
  const request = {
    method: "GET",
    query: "",
    headers: [],
    fixedHeaders: [],
    ...given,
    path: canonical.value,
  };
  const check = () => applyLimits(limits, request, () => undefined);
  expect(check().ok).toBe(false);
  return cost(check, RUNS);
}

function walkCost(): number {
  return cost(() => walk(LONGEST), RUNS);
}

/** Number of runs: the first ones are slower, before V8 has compiled the code. */
const RUNS = 25;

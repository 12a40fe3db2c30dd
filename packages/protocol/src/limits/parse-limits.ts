import { parseCidr } from "../address.ts";
import { MAX_DURATION_MS, MAX_ENTRIES, MAX_LIMITS_LENGTH, MAX_REQUESTS, MIN_WINDOW_MS } from "../bounds.ts";
import { type MemberParsers, integer, listOf, parseMembers } from "../json/members.ts";
import { parseTimestamp } from "../json/timestamp.ts";
import type { MembraneOperation } from "../operation.ts";
import { type Parsed, type Problem, ok, refuse } from "../result.ts";
import type { Limits } from "./limits.ts";
import { REQUEST_PARSERS, parseRequestLimit } from "./parse-request-limit.ts";

/**
 * Limits as an exporter asks for them: the end can be a duration, which begins when the capability is made.
 *
 * @example
 * const limits: RequestedLimits = { ttlMs: 3_600_000, methods: ["GET"] };
 * parseLimits(limits); // => ok(limits)
 */
export interface RequestedLimits extends Limits {
  /** Milliseconds from the time of the export until the capability is dead. Not together with `expiresAt`. */
  readonly ttlMs?: number;
}

const PARSERS: MemberParsers<RequestedLimits> = {
  expiresAt: parseTimestamp,
  ttlMs: integer(
    1,
    MAX_DURATION_MS,
    `an integer of milliseconds from 1 to ${MAX_DURATION_MS}, a hundred years`,
  ),
  notBefore: parseTimestamp,
  maxUses: integer(1, Number.MAX_SAFE_INTEGER, "an integer of at least 1"),
  maxUsesEveryMs: integer(
    MIN_WINDOW_MS,
    MAX_DURATION_MS,
    `an integer of milliseconds from ${MIN_WINDOW_MS}, a second, to ${MAX_DURATION_MS}, a hundred years`,
  ),
  ...REQUEST_PARSERS,
  requests: listOf(parseRequestLimit, MAX_REQUESTS, "entries"),
  maxBodyBytes: integer(0, Number.MAX_SAFE_INTEGER, "an integer of at least 0"),
  clientCidrs: listOf(parseClientCidr, MAX_ENTRIES, "blocks of addresses"),
  delegable: (value, path) => (value === false ? ok(value) : refuse(path, "false, or to be omitted")),
};

/**
 * Parses the limits of an export. Methods, path patterns and blocks of addresses stay texts that are known to be valid.
 *
 * @param value the field `limits` of the parsed JSON. An unknown member is refused.
 * @returns the limits, or a problem with the first field that is wrong: its path, such as `limits.paths[1]`, and what would have been
 *   accepted.
 *
 * @example
 * parseLimits({ expiresAt: "2030-01-31T12:00:00Z" }); // => ok({ expiresAt: 1_896_091_200_000 })
 * parseLimits({ paths: ["/repos/**", "/repos/../"] }).ok; // => false
 */
export function parseLimits(value: unknown): Parsed<RequestedLimits> {
  const limits = parseMembers(value, "limits", PARSERS);
  if (!limits.ok) return limits;
  // Each field has its bounds, and the product of all is more than a record may hold and a request may cost.
  if (JSON.stringify(value).length > MAX_LIMITS_LENGTH)
    return refuse("limits", `at most ${MAX_LIMITS_LENGTH} characters of JSON`);
  return checkConflicts(limits.value);
}

/** Refuses fields that are valid separately and not together. */
function checkConflicts(limits: RequestedLimits): Parsed<RequestedLimits> {
  if (limits.ttlMs !== undefined && limits.expiresAt !== undefined)
    return refuse("limits.ttlMs", "no expiresAt with it");
  if (limits.maxUsesEveryMs !== undefined && limits.maxUses === undefined)
    return refuse("limits.maxUsesEveryMs", "maxUses with it");
  const problem = checkPeriod(limits);
  return problem === undefined ? ok(limits) : { ok: false, error: problem };
}

function checkPeriod({ notBefore, expiresAt }: Limits): Problem | undefined {
  return notBefore === undefined || expiresAt === undefined || notBefore < expiresAt
    ? undefined
    : { field: "limits.notBefore", expected: "a time before the end" };
}

/**
 * Returns the limits of a capability that is made now: a duration becomes the time at which it ends.
 *
 * @param now milliseconds since 1970.
 * @returns a problem if that time is not after `notBefore`.
 *
 * @example
 * startLimits({ ttlMs: 1_000 }, 5_000); // => ok({ expiresAt: 6_000 })
 */
export function startLimits({ ttlMs, ...limits }: RequestedLimits, now: number): Parsed<Limits> {
  if (ttlMs === undefined) return ok(limits);
  const started: Limits = { ...limits, expiresAt: now + ttlMs };
  const problem = checkPeriod(started);
  return problem === undefined ? ok(started) : { ok: false, error: problem };
}

/** The limits that hold for requests which the service itself carries out. */
const SERVICE_CAPABILITY_LIMITS: ReadonlySet<string> = new Set<keyof RequestedLimits>([
  "expiresAt",
  "ttlMs",
  "notBefore",
  "maxUses",
  "maxUsesEveryMs",
  "clientCidrs",
  "delegable",
]);

/**
 * Finds a limit that a capability of the service itself cannot have. What the capability in a body does is known only to its
 * service, so the parser accepts all limits.
 *
 * @param operation what the re-exported capability does.
 *
 * @example
 * checkServiceCapabilityLimits({ maxUses: 1 }, "export"); // => undefined
 * checkServiceCapabilityLimits({ maxUses: 1 }, "revoke")?.field; // => "limits.maxUses"
 * checkServiceCapabilityLimits({ methods: ["GET"] }, "query")?.field; // => "limits.methods"
 */
export function checkServiceCapabilityLimits(
  limits: RequestedLimits,
  operation: MembraneOperation,
): Problem | undefined {
  const other = Object.keys(limits).find((name) => !SERVICE_CAPABILITY_LIMITS.has(name));
  if (other !== undefined) {
    return { field: `limits.${other}`, expected: "only for a capability with a target" };
  }
  // A client that lost the response repeats the revoke, and gets the same response.
  return operation === "revoke" && limits.maxUses !== undefined
    ? { field: "limits.maxUses", expected: "only for a capability other than revoke" }
    : undefined;
}

function parseClientCidr(value: unknown, path: string): Parsed<string> {
  return typeof value === "string" && parseCidr(value) !== undefined
    ? ok(value)
    : refuse(path, "a block of addresses in CIDR notation, without bits after the prefix");
}

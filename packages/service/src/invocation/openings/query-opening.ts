import { err, ok, printableName } from "capability-protocol";
import type { Signer } from "capability-protocol/signers";
import type { NameProblem, Outcome } from "../../domain/denial.ts";
import { forbiddenKey } from "../credential-names.ts";
import { decodeQueryKey, splitQuery, splitQueryPair } from "../query-pairs.ts";

/**
 * What becomes of a client's query: it is dropped; refused, since a request for a path would mean something else without it; any
 * passes; one with these keys alone passes; or another authority decides.
 */
export type QueryOpening = "drop" | "refuse" | "any" | ReadonlySet<string> | "foreign";

/** The part of a target that a client's query depends on. */
export interface QueryTarget {
  readonly queryOpening: QueryOpening;
  /** Absent: the client's. */
  readonly method?: string;
  readonly signer?: Pick<Signer, "checkQuery" | "checkOpenedQuery" | "inertQueryKeys">;
  readonly carriesCredential: boolean;
  /** The keys of the target's own query, as servers may read them. */
  readonly ownKeys: ReadonlySet<string>;
}

const NO_QUERY: Outcome<string> = ok("");
const NO_KEYS: ReadonlySet<string> = new Set();

/**
 * Decides which part of a client's query is appended to the target's.
 *
 * @param method the client's.
 */
export function openQuery(target: QueryTarget, query: string, method: string): Outcome<string> {
  if (query === "") return NO_QUERY;
  switch (target.queryOpening) {
    case "drop":
      return NO_QUERY;
    case "foreign":
      return ok(query);
    case "any":
      return openAny(target, query, method);
    case "refuse":
      return openListed(target, query, NO_KEYS);
    default:
      return openListed(target, query, target.queryOpening);
  }
}

function openAny(target: QueryTarget, query: string, method: string): Outcome<string> {
  const { signer, ownKeys, carriesCredential } = target;
  const refusal = signer?.checkQuery(query, target.method ?? method);
  if (refusal?.kind === "invalid") return err({ reason: "invalid_field", problem: refusal.problem });
  const key = refusal?.key ?? forbiddenKey(query, ownKeys, { carriesCredential });
  return key === undefined ? ok(query) : refuse(key);
}

/** The exporter has named the keys, so the rules for what a key could mean do not apply to them. */
function openListed(target: QueryTarget, query: string, keys: ReadonlySet<string>): Outcome<string> {
  const { signer, ownKeys } = target;
  const problem = signer?.checkOpenedQuery(query);
  if (problem !== undefined) return err({ reason: "invalid_field", problem });
  const passing: string[] = [];
  for (const pair of splitQuery(query)) {
    const { rawKey } = splitQueryPair(pair);
    const key = pair.includes(";") ? undefined : decodeQueryKey(rawKey);
    if (key === undefined) return refuse(rawKey, "ambiguous");
    if (keys.has(key)) passing.push(pair);
    else if (pair !== "" && signer?.inertQueryKeys.has(key) !== true) return refuse(key, "not_named");
  }
  const repeated = forbiddenKey(query, ownKeys, { carriesCredential: false });
  return repeated === undefined ? ok(passing.join("&")) : refuse(repeated);
}

function refuse(key: string, why?: NameProblem): Outcome<never> {
  return err({ reason: "query_not_allowed", key: printableName(key), ...(why === undefined ? {} : { why }) });
}

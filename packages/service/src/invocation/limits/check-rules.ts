import type { CanonicalPath } from "capability-protocol";
import { err, FORWARDABLE_METHODS, matchesPathPattern, splitPath } from "capability-protocol";
import type { Denial, Outcome } from "../../domain/denial.ts";
import { PASSED } from "../../domain/denial.ts";
import type { QueryPairs } from "../query-pairs.ts";
import { parseQueryPairs } from "../query-pairs.ts";
import type { Alternative, Rule } from "./compiled-limits.ts";
import type { HeaderLines } from "./header-limit.ts";
import { groupHeaderLines, checkHeaders } from "./header-limit.ts";
import { checkQuery } from "./query-limit.ts";

/** What a client decides of a request to a target. */
export interface CheckedRequest {
  /** The method that will be sent. */
  readonly method: string;
  /** The target sets the method, whatever the client sends. */
  readonly isMethodFixed?: boolean;
  /** Relative to the target's path. */
  readonly path: CanonicalPath;
  /** What of the client's query will be sent; without "?". */
  readonly query: string;
  /** Flat list: those of the client's header lines that will be sent. */
  readonly headers: readonly string[];
  /** Flat list: what the target sets in place of the client, which may send the same or nothing. */
  readonly fixedHeaders: readonly string[];
}

/** A condition that a request does not satisfy. */
export interface Refusal {
  /** Which condition it is, in the order in which they are checked. */
  readonly stage: number;
  readonly denial: Denial;
}

/** Checks one condition of an alternative. */
type Stage = (alternative: Alternative, request: ParsedRequest) => Outcome<undefined>;

/** In the order in which an alternative's conditions are checked. */
const STAGES: readonly Stage[] = [
  ({ methods }, request) => {
    const { method } = request;
    if (methods === undefined || methods.includes(method)) return PASSED;
    // Whatever the client sends, this method is sent, so that there is none to try instead.
    if (request.isMethodFixed) return err({ reason: "method_not_allowed", allow: [], fixed: method });
    return err({ reason: "method_not_allowed", allow: request.allowedMethods });
  },
  ({ paths }, request) => {
    if (paths === undefined) return PASSED;
    const { pieces } = request;
    const isAllowed = paths.some((pattern) => matchesPathPattern(pattern, pieces));
    return isAllowed ? PASSED : err({ reason: "path_not_allowed" });
  },
  ({ query }, request) => (query === undefined ? PASSED : checkQuery(query, request.pairs)),
  // Lines that no list names were filtered before.
  ({ headers }, request) =>
    headers === undefined || headers.lists.size === 0 ? PASSED : checkHeaders(headers, request.lines),
];

/** The stage at which headers are checked. */
export const HEADER_STAGE: number = STAGES.length - 1;

/**
 * Checks a request by all rules.
 *
 * @returns the refusal at the earliest stage, if a rule is not satisfied.
 */
export function checkRules(rules: readonly Rule[], request: CheckedRequest): Refusal | undefined {
  const parsed = new ParsedRequest(request, rules);
  let earliest: Refusal | undefined;
  for (const rule of rules) {
    const refusal = checkRule(rule, parsed);
    if (refusal !== undefined && refusal.stage < (earliest?.stage ?? Infinity)) earliest = refusal;
  }
  return earliest;
}

/** @returns if no alternative is satisfied, the refusal of the first one of those that failed at the latest stage. */
function checkRule(rule: Rule, request: ParsedRequest): Refusal | undefined {
  let latest: Refusal | undefined;
  for (const alternative of rule) {
    const refusal = checkAlternative(alternative, request);
    if (refusal === undefined) return undefined;
    if (refusal.stage > (latest?.stage ?? -1)) latest = refusal;
  }
  return latest;
}

function checkAlternative(alternative: Alternative, request: ParsedRequest): Refusal | undefined {
  let stage = 0;
  for (const check of STAGES) {
    const outcome = check(alternative, request);
    if (!outcome.ok) return { stage, denial: outcome.error };
    stage += 1;
  }
  return undefined;
}

/** The methods for which each rule has an alternative. */
function allowedMethods(rules: readonly Rule[]): readonly string[] {
  return Array.from(FORWARDABLE_METHODS).filter((method) =>
    rules.every((rule) => rule.some(({ methods }) => methods === undefined || methods.includes(method))),
  );
}

/**
 * A request whose parts are parsed at most once, and only for rules that look at them. Otherwise a holder could multiply a long
 * request by a long chain of limits, each of which has a bound.
 */
class ParsedRequest {
  readonly method: string;
  readonly isMethodFixed: boolean;
  readonly #request: CheckedRequest;
  readonly #rules: readonly Rule[];
  #allowedMethods: readonly string[] | undefined;
  #pieces: readonly string[] | undefined;
  #pairs: QueryPairs | undefined;
  #lines: HeaderLines | undefined;

  constructor(request: CheckedRequest, rules: readonly Rule[]) {
    this.method = request.method;
    this.isMethodFixed = request.isMethodFixed === true;
    this.#request = request;
    this.#rules = rules;
  }

  /** The methods that the rules allow, for the refusal of another one. */
  get allowedMethods(): readonly string[] {
    return (this.#allowedMethods ??= allowedMethods(this.#rules));
  }

  /** The parts of the path, and the separators between them. */
  get pieces(): readonly string[] {
    return (this.#pieces ??= splitPath(this.#request.path));
  }

  get pairs(): QueryPairs {
    return (this.#pairs ??= parseQueryPairs(this.#request.query));
  }

  get lines(): HeaderLines {
    const { headers, fixedHeaders } = this.#request;
    return (this.#lines ??= groupHeaderLines([...headers, ...fixedHeaders]));
  }
}

import type { Limits, PathPattern, RequestLimit } from "capability-protocol";
import { parsePathPattern } from "capability-protocol";
import type { LimitedNode } from "../../domain/limits.ts";
import type { Cidr } from "../../net/address.ts";
import { parseCidr } from "../../net/address.ts";
import type { HeaderFilter } from "./header-limit.ts";
import { compileHeaderFilter } from "./header-limit.ts";
import type { NamedValues } from "./listed-values.ts";
import { compileNames } from "./listed-values.ts";

/** The limits of a capability and of all that it re-exports, prepared to check its requests. */
export interface CompiledLimits {
  /** When it begins to be valid, in milliseconds since 1970. */
  readonly notBefore: number;
  /** The client's address must be in one block of each list. */
  readonly clientCidrs: readonly (readonly Cidr[])[];
  /** Infinite without a limit. */
  readonly maxBodyBytes: number;
  /** Absent if no header is dropped. */
  readonly headers: HeaderFilter | undefined;
  /** A request must satisfy each of them. */
  readonly rules: readonly Rule[];
}

/** A request must satisfy at least one of them. */
export type Rule = readonly Alternative[];

/** Conditions that a request must satisfy together. */
export interface Alternative {
  readonly methods?: readonly string[];
  readonly paths?: readonly PathPattern[];
  readonly query?: NamedValues;
  readonly headers?: NamedValues;
}

/**
 * Prepares a chain of limits. They were checked when they were stored: what a later version of the service would not accept any
 * more admits nothing.
 *
 * @returns nothing if the chain narrows no request.
 */
export function compileLimits(chain: readonly Pick<LimitedNode, "limits">[]): CompiledLimits | undefined {
  if (chain.length === 0) return undefined;
  const limits = chain.map((node) => node.limits);
  const compiled = {
    notBefore: Math.max(...limits.map(({ notBefore }) => notBefore ?? -Infinity)),
    clientCidrs: limits.flatMap(({ clientCidrs }) =>
      clientCidrs === undefined ? [] : [toCidrs(clientCidrs)],
    ),
    maxBodyBytes: Math.min(...limits.map(({ maxBodyBytes }) => maxBodyBytes ?? Infinity)),
    headers: compileHeaderFilter(limits.flatMap(({ headers }) => headers ?? [])),
    rules: limits.flatMap(toRules).filter(isNarrowing),
  };
  return isEmpty(compiled) ? undefined : compiled;
}

function isEmpty({ notBefore, clientCidrs, maxBodyBytes, headers, rules }: CompiledLimits): boolean {
  const lists = clientCidrs.length + rules.length;
  return lists === 0 && headers === undefined && notBefore === -Infinity && maxBodyBytes === Infinity;
}

/** The conditions outside of `requests` are a rule with one alternative. */
function toRules({ requests, ...own }: Limits): readonly Rule[] {
  const conditions: Rule = [toAlternative(own)];
  return requests === undefined ? [conditions] : [conditions, requests.map(toAlternative)];
}

/** A rule with an alternative that has no condition admits everything. */
function isNarrowing(rule: Rule): boolean {
  return rule.every((alternative) => Object.keys(alternative).length > 0);
}

function toAlternative({ methods, paths, query, headers }: RequestLimit): Alternative {
  return {
    ...(methods === undefined ? {} : { methods }),
    ...(paths === undefined ? {} : { paths: paths.flatMap(toPattern) }),
    ...(query === undefined ? {} : { query: compileNames(query) }),
    ...(headers === undefined ? {} : { headers: compileNames(headers) }),
  };
}

function toPattern(text: string): readonly PathPattern[] {
  const pattern = parsePathPattern(text);
  return pattern.ok ? [pattern.value] : [];
}

function toCidrs(blocks: readonly string[]): readonly Cidr[] {
  return blocks.flatMap((text) => parseCidr(text) ?? []);
}

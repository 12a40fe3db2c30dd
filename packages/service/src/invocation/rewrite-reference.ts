import type { Signer } from "capability-protocol/signers";
import type { PathTarget } from "./openings/path-opening.ts";
import { openPath } from "./openings/path-opening.ts";
import type { QueryTarget } from "./openings/query-opening.ts";
import { openQuery } from "./openings/query-opening.ts";
import type { ReferenceBelowBase } from "./references.ts";

/** The part of a target that its references depend on. */
export interface RewriteTarget extends PathTarget, QueryTarget {
  readonly signer?: Signer;
  /** The pairs of the query that it has itself, as {@link queryPairs} makes them. */
  readonly ownPairs: ReadonlySet<string>;
}

/**
 * Makes the URI under which this service leads its client to where a reference of the target leads.
 *
 * @param ownOrigin this service's, serialized.
 * @returns nothing if the service would refuse that URI, or send the request elsewhere.
 */
export function rewriteReference(
  target: RewriteTarget,
  ownOrigin: string,
  reference: ReferenceBelowBase,
): string | undefined {
  const path = clientPath(target, reference.path);
  if (path === undefined) return undefined;
  const query = openQuery(target, withoutPairs(reference.query, target.ownPairs), "GET");
  if (!query.ok) return undefined;
  return `${ownOrigin}${path}${query.value === "" ? "" : `?${query.value}`}${reference.fragment}`;
}

/**
 * A client's `/` is the target's path as it is configured. So of `/v1` and `/v1/` a client reaches only one, and a target that
 * redirects from that to the other would redirect it forever.
 */
function clientPath(target: PathTarget, relativePath: string): string | undefined {
  if (relativePath === "" || relativePath === "/") {
    return target.path.endsWith("/") === (relativePath === "/") ? "/" : undefined;
  }
  const path = openPath(target, relativePath);
  return path.ok ? path.value : undefined;
}

/** The pairs of a query, each decoded: servers write a pair in other escapes than they have read. */
export function queryPairs(query: string): ReadonlySet<string> {
  return query === "" ? NO_PAIRS : new Set(query.split("&").map(decodePair));
}

/** One for all targets without a query, which are most. */
const NO_PAIRS: ReadonlySet<string> = new Set();

/** Removes what the service adds by itself: a target repeats its whole query in its references, a secret key included. */
function withoutPairs(query: string, ownPairs: ReadonlySet<string>): string {
  if (query === "" || ownPairs.size === 0) return query;
  const pairs = query.split("&");
  return pairs.filter((pair) => !ownPairs.has(decodePair(pair))).join("&");
}

const ESCAPED = /[%+]/;

function decodePair(pair: string): string {
  if (!ESCAPED.test(pair)) return pair;
  try {
    return decodeURIComponent(pair.replaceAll("+", " "));
  } catch {
    return pair;
  }
}

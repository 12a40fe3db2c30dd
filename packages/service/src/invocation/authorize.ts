import type { CanonicalPath } from "capability-protocol";
import { FORWARDABLE_METHODS, err, ok } from "capability-protocol";
import type { Outcome } from "../domain/denial.ts";
import type { PathTarget } from "./openings/path-opening.ts";
import { ROOT_PATH, openPath } from "./openings/path-opening.ts";
import type { QueryTarget } from "./openings/query-opening.ts";
import { openQuery } from "./openings/query-opening.ts";
import type { RequestHead } from "./request-head.ts";

/** What a client adds to the target's URI. */
export interface AuthorizedUri {
  readonly path: CanonicalPath;
  /** Without "?"; empty if none passes. */
  readonly query: string;
}

/** The URI of a request that adds nothing to the target's own, made once. */
const TARGET_AS_WRITTEN: Outcome<AuthorizedUri> = ok({ path: ROOT_PATH, query: "" });

const METHOD_NOT_ALLOWED: Outcome<never> = err({
  reason: "method_not_allowed",
  allow: [...FORWARDABLE_METHODS],
});

/**
 * Checks whether the target is open to the path, the method and the query of a request. Resolving has checked that the capability
 * works.
 */
export function authorize(target: PathTarget & QueryTarget, head: RequestHead): Outcome<AuthorizedUri> {
  const path = openPath(target, head.path);
  if (!path.ok) return path;
  // TRACE would send the target's credentials back to the client.
  if (!FORWARDABLE_METHODS.has(head.method)) return METHOD_NOT_ALLOWED;
  if (path.value === ROOT_PATH && head.query === "") return TARGET_AS_WRITTEN;
  const query = openQuery(target, head.query, head.method);
  return query.ok ? ok({ path: path.value, query: query.value }) : query;
}

import type { CanonicalPath, PathOpenings } from "capability-protocol";
import { canonicalizePath, err, ok } from "capability-protocol";
import type { Signer } from "capability-protocol/signers";
import type { Outcome } from "../../domain/denial.ts";

/** The part of a target that a client's path depends on. */
export interface PathTarget {
  readonly path: string;
  /** How a path other than `/` is read; absent: there is no other. */
  readonly pathOpenings?: PathOpenings;
  readonly signer?: Pick<Signer, "wirePath">;
}

const CLOSED = { encodedSlash: false, emptySegments: false };

/** The path of a request for the target's own URI, computed once. */
export const ROOT_PATH: CanonicalPath = rootPath();

const ROOT: Outcome<CanonicalPath> = ok(ROOT_PATH);

const PATH_NOT_FOUND: Outcome<never> = err({ reason: "path_not_found" });

function rootPath(): CanonicalPath {
  const root = canonicalizePath("/", CLOSED);
  if (!root.ok) throw new TypeError("/ is a canonical path");
  return root.value;
}

/** Reads a client's path, in the one form that is checked, joined, signed and sent. */
export function openPath({ pathOpenings }: PathTarget, path: string): Outcome<CanonicalPath> {
  if (path === "/") return ROOT;
  if (pathOpenings === undefined) return PATH_NOT_FOUND;
  const canonical = canonicalizePath(path, pathOpenings);
  return canonical.ok ? canonical : err({ reason: "invalid_path", message: canonical.error.message });
}

/**
 * Appends a client's path to the target's. `/` is the target's URI as it is written. The texts are only put together: a URL parser
 * could resolve the client's path against another origin.
 */
export function joinPath({ path, signer }: PathTarget, clientPath: CanonicalPath): string {
  if (clientPath === "/") return path;
  const joined = path.endsWith("/") ? path.slice(0, -1) + clientPath : path + clientPath;
  return signer === undefined ? joined : signer.wirePath(joined);
}

import { MAX_PATH_PATTERN_LENGTH } from "../bounds.ts";
import { type CanonicalPath, canonicalizePath } from "../openings/path.ts";
import { type Result, err, ok } from "../result.ts";

/**
 * A pattern of `limits.paths`, ready to be compared with the pieces of a path in time proportional to the pattern.
 *
 * @example
 * const parsed = parsePathPattern("/projects/*%2F*");
 * const pattern: PathPattern | undefined = parsed.ok ? parsed.value : undefined;
 * pattern?.pieces; // => ["", "/", "projects", "/", "*", "%2F", "*"]
 */
export interface PathPattern {
  /** Parts and the separators between them in turn, as {@link splitPath} returns them; `*` is any part that is not empty. */
  readonly pieces: readonly string[];
  /** Whether it ends with `/**`, which is not among the pieces. */
  readonly isOpen: boolean;
}

const TOO_LONG = `a path of at most ${MAX_PATH_PATTERN_LENGTH} characters`;
const NOT_CANONICAL =
  "unreserved characters without an escape, and other escapes in upper case: ~ for %7E, %2F for %2f";
const STAR_IN_PART = "* as a whole part, ** as the whole last segment, and %2A for a star of the path itself";

/** A pattern can name what only some targets allow. */
const ALL_OPENINGS = { encodedSlash: true, emptySegments: true };

const OPEN_END = "/**";
const SEPARATOR = /(\/|%2F)/;

/**
 * Compiles a pattern. `*` is one part that is not empty, whereby parts are separated by `/` and `%2F`; `/**` at the end is any
 * number of further segments, or none. Everything else is the canonical path itself: case and a trailing slash count, and a star
 * of the path is written as `%2A`.
 *
 * @returns an error with the rule that the text breaks, since another spelling of a path would never match.
 *
 * @example
 * parsePathPattern("/repos/octo/**").ok; // => true
 * parsePathPattern("/repos/octo*").ok; // => false
 * parsePathPattern("repos/**"); // => err("a path that begins with a slash (form)")
 */
export function parsePathPattern(text: string): Result<PathPattern, string> {
  if (text.length > MAX_PATH_PATTERN_LENGTH) return err(TOO_LONG);
  const canonical = canonicalizePath(text, ALL_OPENINGS);
  if (!canonical.ok) return err(canonical.error.expected);
  if (canonical.value !== text) return err(NOT_CANONICAL);
  const isOpen = text.endsWith(OPEN_END);
  const pieces = (isOpen ? text.slice(0, -OPEN_END.length) : text).split(SEPARATOR);
  if (pieces.some((piece) => piece !== "*" && piece.includes("*"))) return err(STAR_IN_PART);
  return ok({ pieces, isOpen });
}

/**
 * Splits a path for {@link matchesPathPattern}: once, since a request is compared with many patterns.
 *
 * @returns parts and the separators between them in turn. The part before the first slash is empty.
 *
 * @example
 * const path = canonicalizePath("/@scope%2fpackage", { encodedSlash: true, emptySegments: false });
 * path.ok && splitPath(path.value); // => ["", "/", "@scope", "%2F", "package"]
 */
export function splitPath(path: CanonicalPath): readonly string[] {
  return path.split(SEPARATOR);
}

/**
 * Whether a pattern admits a path.
 *
 * @param path as {@link splitPath} returns it.
 *
 * @example
 * const strict = { encodedSlash: false, emptySegments: false };
 * const pattern = parsePathPattern("/repos/octo/**");
 * const path = canonicalizePath("/repos/octo/issues/1", strict);
 * pattern.ok && path.ok && matchesPathPattern(pattern.value, splitPath(path.value)); // => true
 */
export function matchesPathPattern({ pieces, isOpen }: PathPattern, path: readonly string[]): boolean {
  const isLongEnough = isOpen ? path.length >= pieces.length : path.length === pieces.length;
  if (!isLongEnough || !pieces.every((piece, index) => admits(piece, path[index]))) return false;
  return path.length === pieces.length || path[pieces.length] === "/";
}

function admits(piece: string, given: string | undefined): boolean {
  return piece === "*" ? given !== "" : piece === given;
}

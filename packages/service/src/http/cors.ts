import { FORWARDABLE_METHODS } from "capability-protocol";

/**
 * Any origin may read any answer: the right is in the token, so there is no ambient authority that a page could borrow.
 * These lines stand on every answer, in place of a target's own.
 */
export const CORS_HEADERS: readonly string[] = [
  "Access-Control-Allow-Origin",
  "*",
  "Access-Control-Expose-Headers",
  "*",
];

/** The answer to OPTIONS without a token. `*` does not stand for `Authorization` (Fetch standard, CORS protocol), so it is named. */
export const PREFLIGHT_HEADERS: readonly string[] = [
  ...CORS_HEADERS,
  "Access-Control-Allow-Methods",
  [...FORWARDABLE_METHODS].join(", "),
  "Access-Control-Allow-Headers",
  "Authorization, Membrane-Operation, *",
  "Access-Control-Max-Age",
  "86400",
];

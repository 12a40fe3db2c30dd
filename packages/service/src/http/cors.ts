import { FORWARDABLE_METHODS } from "capability-protocol";
import { TOKEN_HEADER_LIST, VARY_BY_CARRIER } from "../invocation/carrier.ts";

/**
 * Any origin may read any response: the right is in the token, so there is no ambient authority that a page could misuse.
 * Every response has these headers, in place of the target's.
 */
export const CORS_HEADERS: readonly string[] = [
  "Access-Control-Allow-Origin",
  "*",
  "Access-Control-Expose-Headers",
  "*",
];

/**
 * Headers of the response to OPTIONS without a token. `*` does not include `Authorization` (Fetch standard), and older browsers
 * do not know it, so the headers of this service are named.
 */
export const PREFLIGHT_HEADERS: readonly string[] = [
  ...VARY_BY_CARRIER,
  ...CORS_HEADERS,
  "Access-Control-Allow-Methods",
  [...FORWARDABLE_METHODS].join(", "),
  "Access-Control-Allow-Headers",
  `${TOKEN_HEADER_LIST}, Membrane-Operation, *`,
  "Access-Control-Max-Age",
  "86400",
];

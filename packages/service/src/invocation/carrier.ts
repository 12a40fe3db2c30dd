/**
 * The header in which the token of a request came, in lower case. If several headers hold the token, the first in this list counts:
 * clients that follow redirects repeat the first ones more freely than the last.
 */
export const CARRIERS = [
  "x-amz-security-token",
  "x-api-key",
  "api-key",
  "x-goog-api-key",
  "sec-websocket-protocol",
  "authorization",
] as const;

export type Carrier = (typeof CARRIERS)[number];

/**
 * The headers in which the token of an HTTP request may come, as a list. `Sec-WebSocket-Protocol` holds one only in a handshake,
 * whose response no cache stores and whose headers no page chooses.
 */
export const TOKEN_HEADERS = "Authorization, X-Api-Key, Api-Key, X-Goog-Api-Key, X-Amz-Security-Token";

/** Header line of every response, by which a cache distinguishes the holders. */
export const VARY_BY_CARRIER: readonly [name: string, value: string] = ["Vary", TOKEN_HEADERS];

import { TOKEN_HEADERS } from "capability-protocol";

/**
 * The header in which the token of a request came, in lower case. `Sec-WebSocket-Protocol` holds one only in a handshake, whose
 * response no cache stores; no browser adds it by itself.
 */
export type Carrier = (typeof TOKEN_HEADERS)[number] | "sec-websocket-protocol";

const [AUTHORIZATION, ...KEY_HEADERS] = TOKEN_HEADERS;

/**
 * All carriers. If several headers hold the token, the first in this list counts: clients that follow redirects repeat the first
 * ones more freely than the last.
 */
export const CARRIERS: readonly Carrier[] = [
  ...KEY_HEADERS.toReversed(),
  "sec-websocket-protocol",
  AUTHORIZATION,
];

/** The headers in which the token of an HTTP request may come, as a list. */
export const TOKEN_HEADER_LIST: string = TOKEN_HEADERS.map((name) =>
  name.replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase()),
).join(", ");

/** Header line of every response, by which a cache distinguishes the holders. */
export const VARY_BY_CARRIER: readonly [name: string, value: string] = ["Vary", TOKEN_HEADER_LIST];

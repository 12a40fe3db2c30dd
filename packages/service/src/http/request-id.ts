import { randomUUID } from "node:crypto";

/** Response header, and request header from a trusted proxy. */
export const REQUEST_ID_HEADER = "X-Request-Id";

/** Shorter than a token, so that none can appear in the log as an id. Holds UUIDs, and the ids of nginx, Envoy and AWS. */
const REQUEST_ID_PATTERN = /^[\w.:+/=@-]{1,64}$/;

/** Returns what a trusted proxy sent as the id of a request, if it is one id that may be logged and sent back. */
export function parseRequestId(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" && REQUEST_ID_PATTERN.test(value) ? value : undefined;
}

/** Makes an id. A random one: from numbers in order each client could tell how many requests of others there were. */
export const newRequestId: () => string = randomUUID;

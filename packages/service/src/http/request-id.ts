import { randomUUID } from "node:crypto";

/** Header of a response, and of a request from a trusted proxy. */
export const REQUEST_ID_HEADER = "X-Request-Id";

/** Shorter than a token, so that no token can appear in the log as an id. UUIDs and the ids of nginx, Envoy and AWS match. */
const REQUEST_ID_PATTERN = /^[\w.:+/=@-]{1,64}$/;

/** Returns the request id that a trusted proxy sent, if its lines are a single value that may be logged and sent back. */
export function parseRequestId([value, ...others]: readonly string[]): string | undefined {
  return value !== undefined && others.length === 0 && REQUEST_ID_PATTERN.test(value) ? value : undefined;
}

/** Makes a random id. From consecutive numbers each client could tell how many requests others sent. */
export const newRequestId: () => string = randomUUID;

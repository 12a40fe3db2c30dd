import type { RequestOptions } from "node:https";
import { refuse } from "capability-protocol";
import { type Callback, settle } from "./callback.ts";
import { CapabilityError, invalid } from "./error.ts";
import { replyTo } from "./https-transport.ts";
import { DECLARES_HASH, payloadHash } from "./payload-hash.ts";
import { type Reply, errorBody, readReply } from "./reply.ts";
import { request } from "./request.ts";

/**
 * Sends one request with a capability and gives the JSON value that was answered, or the empty string for an empty body.
 *
 * @param options as of {@link request}; the method is GET unless they say otherwise.
 * @param data the body, if any; over 8 MiB it is sent with its SHA-256, so that a signed target accepts it.
 * @throws CapabilityError, through the promise or the callback: a status of 400 and above; a body that is no JSON, or that
 *   tells of an error itself (a member `error`, or a `statusCode` of 400 and above); no answer.
 */
export function requestReply(
  capability: string,
  options?: RequestOptions | null,
  data?: string | Uint8Array | null,
): Promise<unknown>;
export function requestReply(
  capability: string,
  options: RequestOptions | null | undefined,
  data: string | Uint8Array | null | undefined,
  callback: Callback<unknown>,
): void;
export function requestReply(
  capability: string,
  options?: RequestOptions | null,
  data?: string | Uint8Array | null,
  callback?: Callback<unknown>,
): unknown {
  return settle(async () => {
    const body = checkedData(data);
    const sent = withHash(options, await payloadHash(body));
    const reply = await replyTo(() => request(capability, sent), body);
    const value = readReply(reply);
    refuseToldError(reply, value);
    return value;
  }, callback);
}

/** A header of the caller takes precedence over a computed one. */
function withHash(
  options: RequestOptions | null | undefined,
  declared: readonly [string, string] | undefined,
): RequestOptions | null | undefined {
  const given = Object.entries(options?.headers ?? {});
  const isDeclared = given.some(([name]) => DECLARES_HASH.has(name.toLowerCase()));
  if (declared === undefined || isDeclared || Array.isArray(options?.headers)) return options;
  return { ...options, headers: Object.fromEntries([...given, declared]) };
}

/** An object, for one, is not JSON yet; found out after the connection is open, it would stay open. */
function checkedData(data: unknown): string | Uint8Array | undefined {
  if (data === undefined || data === null) return undefined;
  if (typeof data === "string" || data instanceof Uint8Array) return data;
  throw invalid(refuse("data", "a string or bytes").problem);
}

/** Functions behind a gateway often answer 200 and tell of their failure in the body; callers rely on having it as error. */
function refuseToldError(reply: Reply, body: unknown): void {
  if (typeof body !== "object" || body === null) return;
  const status = "statusCode" in body && typeof body.statusCode === "number" ? body.statusCode : reply.status;
  const tells = "error" in body && Boolean(body.error);
  if (tells || status >= 400)
    throw new CapabilityError(errorBody({ ...reply, status }, body), { cause: body });
}

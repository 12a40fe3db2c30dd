import type { RequestOptions } from "node:https";
import { refuse } from "capability-protocol/result";
import { type Callback, callbackify } from "./callbackify.ts";
import { CapabilityError, invalidField } from "./error.ts";
import { sendAndBuffer } from "./https-transport.ts";
import { PAYLOAD_HASH_HEADERS, payloadHash } from "./payload-hash.ts";
import { type BufferedResponse, errorBody, readJsonBody } from "./buffered-response.ts";
import { request } from "./request.ts";

/**
 * Sends one request with a capability and returns the JSON value of the response, or the empty string for an empty body.
 *
 * @param options those of {@link request}; the default method is GET.
 * @param data the body, if any; over 8 MiB it is sent with its SHA-256, so that a signed target accepts it.
 * @throws CapabilityError, through the promise or the callback: for a status of 400 and above; for a body that is not JSON, or
 *   that reports an error (a member `error`, or a `statusCode` of 400 and above); for no response.
 *
 * @example
 * const response = await requestReply(CREATE_URI, { method: "POST" }, JSON.stringify({ id }));
 * typeof response; // => "object"
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
  return callbackify(async () => {
    const body = parseData(data);
    const requestOptions = withPayloadHash(options, await payloadHash(body));
    const response = await sendAndBuffer(() => request(capability, requestOptions), body);
    const value = readJsonBody(response);
    rejectErrorBody(response, value);
    return value;
  }, callback);
}

/** Adds the computed header, unless the caller has set one. */
function withPayloadHash(
  options: RequestOptions | null | undefined,
  hashHeader: readonly [string, string] | undefined,
): RequestOptions | null | undefined {
  const callerHeaders = Object.entries(options?.headers ?? {});
  const isGivenByCaller = callerHeaders.some(([name]) => PAYLOAD_HASH_HEADERS.has(name.toLowerCase()));
  if (hashHeader === undefined || isGivenByCaller || Array.isArray(options?.headers)) return options;
  return { ...options, headers: Object.fromEntries([...callerHeaders, hashHeader]) };
}

/** Refuses data such as an object before the connection is opened: later, the connection would stay open. */
function parseData(data: unknown): string | Uint8Array | undefined {
  if (data === undefined || data === null) return undefined;
  if (typeof data === "string" || data instanceof Uint8Array) return data;
  throw invalidField(refuse("data", "a string or bytes").error);
}

/** Serverless functions often respond with 200 and report a failure in the body; callers rely on an error. */
function rejectErrorBody(response: BufferedResponse, body: unknown): void {
  if (typeof body !== "object" || body === null) return;
  const status =
    "statusCode" in body && typeof body.statusCode === "number" ? body.statusCode : response.status;
  const hasError = "error" in body && Boolean(body.error);
  if (hasError || status >= 400)
    throw new CapabilityError(errorBody({ ...response, status }, body), { cause: body });
}

import type { ClientRequest, IncomingMessage } from "node:http";
import { PAYLOAD_HASH_HEADER } from "capability-protocol/payload";
import { formatCapabilityUri } from "capability-protocol/uri";
import { request as requestWith } from "capability-sdk/request";
import type { ResolvedCapability } from "../../capability/resolved-capability.ts";
import { fileReadError } from "../../errors/file-error.ts";
import { AT_SIGN_HINT } from "../../secret.ts";
import type { HeaderLine } from "../options/header-line.ts";
import type { OutgoingBody } from "./body.ts";
import type { RequestInput } from "./read.ts";

/** A response whose request may still be sending its body. */
export interface ReceivedResponse {
  readonly response: IncomingMessage;
  /** Closes the connection and stops sending the body. */
  end(): void;
}

/**
 * Sends the request and resolves when the response head arrives.
 *
 * @throws CliError when there is no response.
 */
export async function send(
  input: RequestInput,
  resolved: ResolvedCapability,
  body: OutgoingBody | undefined,
): Promise<ReceivedResponse> {
  try {
    const request = open(input, resolved, body);
    sendBody(request, body);
    return { response: await waitForResponse(request), end: () => void request.destroy() };
  } catch (error) {
    const { explainRequestError } = await import("../../errors/explain.ts");
    throw explainRequestError(error, resolved.context);
  }
}

function open(
  input: RequestInput,
  resolved: ResolvedCapability,
  body: OutgoingBody | undefined,
): ClientRequest {
  return requestWith(formatCapabilityUri(resolved.uri), {
    method: input.method,
    path: input.query === undefined ? input.path : `${input.path}?${input.query}`,
    headers: buildHeaders(input.headers, body),
    // A connection that is kept for another request would only keep the process running.
    agent: false,
    ca: resolved.ca,
  });
}

/** Builds the headers; a repeated name is sent twice. Length and hash are added if they are known and not given. */
function buildHeaders(
  lines: readonly HeaderLine[],
  body: OutgoingBody | undefined,
): Record<string, string[] | string> {
  const headers = new Map<string, { readonly name: string; readonly values: string[] }>();
  for (const [name, value] of lines) {
    const existing = headers.get(name.toLowerCase());
    if (existing === undefined) headers.set(name.toLowerCase(), { name, values: [value] });
    else existing.values.push(value);
  }
  const addedHeaders: [string, string][] = [];
  const hasAny = (names: readonly string[]): boolean => names.some((name) => headers.has(name));
  if (body?.length !== undefined && !hasAny(["content-length", "transfer-encoding"]))
    addedHeaders.push(["Content-Length", String(body.length)]);
  if (body?.hash !== undefined && !hasAny([PAYLOAD_HASH_HEADER.toLowerCase(), "x-amz-content-sha256"]))
    addedHeaders.push([PAYLOAD_HASH_HEADER, body.hash]);
  const callerHeaders = Array.from(
    headers.values(),
    ({ name, values: [first = "", ...others] }) =>
      [name, others.length === 0 ? first : [first, ...others]] as const,
  );
  return Object.fromEntries<string[] | string>([...callerHeaders, ...addedHeaders]);
}

function sendBody(request: ClientRequest, body: OutgoingBody | undefined): void {
  if (body === undefined) return void request.end();
  body.source.on("error", (cause) =>
    request.destroy(fileReadError("--data", body.name, cause, AT_SIGN_HINT)),
  );
  body.source.pipe(request);
  // Otherwise standard input would keep the process running.
  request.once("close", () => body.source.destroy());
}

function waitForResponse(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once("response", resolve);
    // Not `once`: after an early response, writing the rest of the body may fail on a closed connection.
    request.on("error", reject);
    request.once("close", () => reject(Object.assign(new Error("closed"), { code: "ECONNRESET" })));
  });
}

import { request as requestHttp } from "node:http";
import type { IncomingMessage, RequestOptions } from "node:http";
import { request as requestHttps } from "node:https";
import { errorCode } from "../../error-code.ts";

/** Where spans are sent. */
export interface CollectorOptions {
  readonly url: URL;
  /** Further headers: the collector's credentials. */
  readonly headers: Readonly<Record<string, string>>;
  /** CA certificates, PEM, that are trusted instead of Node's. */
  readonly ca?: string | undefined;
  /** Time for a whole request, in milliseconds. */
  readonly timeoutMs: number;
  /** Of the service. */
  readonly version: string;
}

/**
 * What became of a batch. `cause` is a word without anything that the collector said.
 *
 * `taken`: `rejected` of its spans were not. `refused`: it would be refused again. `unavailable`: it may be sent again.
 */
export type SendResult =
  | { readonly kind: "taken"; readonly rejected: number }
  | { readonly kind: "refused" | "unavailable"; readonly cause: string };

/** Sends one batch, as JSON. Never rejects. @param signal ends it. */
export type SendSpans = (body: string, signal?: AbortSignal) => Promise<SendResult>;

/** Statuses after which a batch may be sent again (OTLP, "Retryable Response Codes"). */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** A response says how many spans were rejected, in a few words. */
const MAX_RESPONSE_BYTES = 65_536;

/**
 * Makes the function that sends spans (OTLP/HTTP, in JSON). Each request has a new connection, since there is one in a second at the
 * most, and what is idle can break. Redirects are not followed, and the certificate is checked whatever the environment says.
 */
export function createCollector({ url, headers, ca, timeoutMs, version }: CollectorOptions): SendSpans {
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  const options = {
    method: "POST",
    agent: false,
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
  } satisfies RequestOptions & { readonly rejectUnauthorized: boolean; readonly ca?: string };
  const fixed = {
    ...headers,
    "content-type": "application/json",
    "user-agent": `membrane-service/${version}`,
  };
  return (body, signal) =>
    new Promise((resolve) => {
      const all = { ...options, headers: { ...fixed, "content-length": String(Buffer.byteLength(body)) } };
      const outgoing = request(url, all);
      const end = (result: SendResult): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        resolve(result);
        // Also what is left of a response: the connection is not used again.
        outgoing.destroy();
      };
      const fail = (cause: string): void => end({ kind: "unavailable", cause });
      const timer = setTimeout(() => fail("ETIMEDOUT"), timeoutMs);
      const onAbort = (): void => fail("STOPPED");
      signal?.addEventListener("abort", onAbort);
      // The listener stays: a connection that is destroyed may still fail.
      outgoing.on("error", (error) => fail(errorCode(error) ?? "failed"));
      const onClose = (): void => fail("CLOSED");
      outgoing.once("close", onClose);
      outgoing.once("response", (response) => {
        // From now on the response says how it ends.
        outgoing.off("close", onClose);
        readResponse(response, end, fail);
      });
      if (signal?.aborted === true) onAbort();
      else outgoing.end(body);
    });
}

function readResponse(
  response: IncomingMessage,
  end: (result: SendResult) => void,
  fail: (cause: string) => void,
): void {
  const { statusCode = 0 } = response;
  // What it says besides is of no use: the status decides.
  if (statusCode < 200 || statusCode > 299) {
    response.on("error", () => undefined);
    return end({
      kind: RETRYABLE.has(statusCode) ? "unavailable" : "refused",
      cause: `STATUS_${statusCode}`,
    });
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on("error", (error) => fail(errorCode(error) ?? "failed"));
  response.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_RESPONSE_BYTES) end(NO_RESPONSE_OF_A_COLLECTOR);
    else chunks.push(chunk);
  });
  response.on("end", () => {
    const rejected = parseRejectedSpans(Buffer.concat(chunks).toString());
    end(rejected === undefined ? NO_RESPONSE_OF_A_COLLECTOR : { kind: "taken", rejected });
  });
}

/** Some other server has responded, and would again. */
const NO_RESPONSE_OF_A_COLLECTOR: SendResult = { kind: "refused", cause: "INVALID_RESPONSE" };

/**
 * Parses an `ExportTraceServiceResponse`.
 *
 * @returns how many spans were rejected; nothing for a text that is none.
 */
export function parseRejectedSpans(text: string): number | undefined {
  if (text === "") return 0;
  const response = parseObject(text);
  if (response === undefined) return undefined;
  const { partialSuccess } = response;
  if (typeof partialSuccess !== "object" || partialSuccess === null) return 0;
  const rejected = "rejectedSpans" in partialSuccess ? Number(partialSuccess.rejectedSpans) : 0;
  return Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0;
}

function parseObject(text: string): { readonly partialSuccess?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

import type { BodyFraming, HttpExchange } from "../http1/downstream.ts";
import { VARY_BY_CARRIER } from "../invocation/carrier.ts";
import { CORS_HEADERS } from "./cors.ts";
import { REQUEST_ID_HEADER } from "./request-id.ts";
import { formatS3Error } from "./s3-error.ts";
import type { WireError } from "./wire-error.ts";

/** Headers of every response of the service itself, after its media type. */
const OWN_HEADERS = ["Cache-Control", "no-store", ...VARY_BY_CARRIER, ...CORS_HEADERS];

export const JSON_HEADERS: readonly string[] = ["Content-Type", "application/json", ...OWN_HEADERS];

const XML_HEADERS: readonly string[] = ["Content-Type", "application/xml", ...OWN_HEADERS];

/** Responds with JSON, the form of all responses of the service itself but errors to clients of S3. */
export function respondJson(
  exchange: HttpExchange,
  framing: BodyFraming,
  status: number,
  body: object,
  headers: readonly string[] = [],
): void {
  respond(exchange, framing, status, [...JSON_HEADERS, ...headers], JSON.stringify(body));
}

export function respondError(exchange: HttpExchange, framing: BodyFraming, error: WireError): void {
  respondJson(exchange, framing, error.status, error.body, error.headers);
}

/** Responds as S3 does. */
export function respondS3Error(exchange: HttpExchange, framing: BodyFraming, error: WireError): void {
  respond(exchange, framing, error.status, [...XML_HEADERS, ...error.headers], formatS3Error(error));
}

/** Responds, with the id of the request if it has one. */
export function respond(
  { response, requestId }: HttpExchange,
  framing: BodyFraming,
  status: number,
  headers: readonly string[],
  body: string,
): void {
  const lines = requestId === undefined ? headers : [...headers, REQUEST_ID_HEADER, requestId];
  response.respond(framing, status, lines, body);
}

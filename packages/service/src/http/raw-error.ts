import { STATUS_CODES } from "node:http";
import type { Denial } from "../domain/denial.ts";
import { CORS_HEADERS } from "./cors.ts";
import { REQUEST_ID_HEADER } from "./request-id.ts";
import { wireError } from "./wire-error.ts";

/** The bytes of a response that closes its connection, to what never becomes a request. */
export function rawErrorResponse(denial: Denial, requestId: string): string {
  const { status, headers, body } = wireError(denial);
  const text = JSON.stringify(body);
  const lines = [
    "Content-Type",
    "application/json",
    "Cache-Control",
    "no-store",
    ...CORS_HEADERS,
    ...headers,
    REQUEST_ID_HEADER,
    requestId,
  ];
  lines.push("Content-Length", String(Buffer.byteLength(text)), "Connection", "close");
  const head = lines.map((part, index) => (index % 2 === 0 ? `${part}: ` : `${part}\r\n`)).join("");
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${text}`;
}

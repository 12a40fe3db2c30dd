/*
 * What others have found that servers and proxies understand differently, as bytes and what must happen: the inputs of llhttp's own tests
 * (github.com/nodejs/llhttp, test/request) and the findings of the HTTP Garden (github.com/narfindustries/http-garden, TROPHIES.md), where
 * these are in no row of `http1-request-cases.ts`.
 */

/** What a client sends on one connection; `{A}` is replaced by an Authorization line with a valid capability. */
export interface KnownRequests {
  readonly name: string;
  readonly sends: string;
  /** The statuses of all responses, in order. */
  readonly gets: readonly number[];
  /** The requests that the target gets whole, each as method, request target and body. */
  readonly reaches: readonly string[];
  /** The service closes the connection; otherwise the next request on it gets its response. */
  readonly closes: boolean;
}

export const HOST = "Host: a\r\n{A}";
export const GET = `GET / HTTP/1.1\r\n${HOST}`;
export const POST = `POST / HTTP/1.1\r\n${HOST}`;
export const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;
/** A request that must stay what it is within another: content, or nothing at all. */
export const HIDDEN = `GET /?hidden HTTP/1.1\r\n${HOST}\r\n`;
/** The same without a token, whose length is known. */
export const INNER = "GET /?inner HTTP/1.1\r\nHost: a\r\n\r\n";

/** It is refused, and nothing of it reaches the target. */
export function refused(name: string, sends: string, status = 400): KnownRequests {
  return { name, sends, gets: [status], reaches: [], closes: true };
}

/** The requests reach the target, and the connection goes on. */
export function passed(name: string, sends: string, ...reaches: readonly string[]): KnownRequests {
  return { name, sends, gets: reaches.map(() => 200), reaches, closes: false };
}

/** The first request reaches the target, and its response is the last of the connection. */
export function last(name: string, sends: string, reached: string): KnownRequests {
  return { name, sends, gets: [200], reaches: [reached], closes: true };
}

/** The first request is whole, and what follows is refused. */
export function followed(name: string, sends: string, reached = "GET / "): KnownRequests {
  return { name, sends, gets: [200, 400], reaches: [reached], closes: true };
}

/** A GET with this text in the place of its last header line, and a hidden request behind. */
export function withLine(text: string): string {
  return `${GET}${text}\r\n\r\n${HIDDEN}`;
}

/** Bodies of ten bytes, and a hidden request behind. */
export function ten(framing: string): string {
  return `${POST}${framing}\r\n\r\n0123456789${HIDDEN}`;
}

export function coded(coding: string): string {
  return `${POST}Transfer-Encoding: ${coding}\r\n\r\n1\r\nZ\r\n0\r\n\r\n${HIDDEN}`;
}

export function chunks(text: string): string {
  return `${CHUNKED}${text}`;
}

export function lengthOf(text: string): string {
  return `Content-Length: ${text.length}\r\n`;
}

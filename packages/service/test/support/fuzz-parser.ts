/** An HTTP/1.1 message as received, one character a byte. */
export interface Message {
  /** The start line. */
  readonly start: string;
  /** Lower-case names and values, in order. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  /** Index of the bytes after it. */
  readonly end: number;
}

export type ParseResult =
  | { readonly kind: "whole"; readonly message: Message }
  /** Valid so far, and incomplete. */
  | { readonly kind: "cut" }
  | { readonly kind: "malformed"; readonly why: string };

type Read<T> = T | Exclude<ParseResult, { kind: "whole" }>;
type Head = Omit<Message, "body">;

const CUT = { kind: "cut" } as const;

/*
 * The reference parser for both sides: a strict reading of RFC 9112 that repairs nothing, and that shares no code with the parsers
 * of Node and undici.
 */

/** Parses the request that begins at `from`. */
export function readRequest(bytes: string, from = 0): ParseResult {
  const head = readHead(bytes, skipEmptyLines(bytes, from));
  if ("kind" in head) return head;
  // Node's parser accepts more than one space, which does not change the request.
  const version = /^[A-Z-]+ +[!-~]+ +HTTP\/1\.([01])$/.exec(head.start)?.[1];
  if (version === undefined) return malformed("request line");
  const codings = valuesOf(head, "transfer-encoding");
  const lengths = valuesOf(head, "content-length");
  if (codings.length > 0) {
    if (version === "0" || lengths.length > 0 || !isChunkedAlone(codings)) return malformed("framing");
    return readChunked(bytes, head);
  }
  return lengths.length === 0 ? whole(head, "", head.end) : readLength(bytes, head, lengths, REQUEST_DIGITS);
}

/** Parses only the head of the request that begins at `from`, as a message without a body. */
export function readRequestHead(bytes: string, from = 0): ParseResult {
  const head = readHead(bytes, skipEmptyLines(bytes, from));
  return "kind" in head ? head : whole(head, "", head.end);
}

/** Parses only the head of the response that begins at `from`, informational or not, as a message without a body. */
export function readResponseHead(bytes: string, from = 0): ParseResult {
  const head = readHead(bytes, skipEmptyLines(bytes, from));
  if ("kind" in head) return head;
  return statusOf(head) === undefined ? malformed("status line") : whole(head, "", head.end);
}

/**
 * Parses the response that begins at `from`, after any informational ones.
 *
 * @param isEnded whether the connection ended in order after `bytes`.
 */
export function readResponse(
  bytes: string,
  { from = 0, method = "GET", isEnded = false }: { from?: number; method?: string; isEnded?: boolean } = {},
): ParseResult {
  const head = readHead(bytes, skipEmptyLines(bytes, from));
  if ("kind" in head) return head;
  const status = statusOf(head);
  if (status === undefined) return malformed("status line");
  if (status === 101) return malformed("an upgrade that was not requested");
  if (status < 200) return readResponse(bytes, { from: head.end, method, isEnded });
  const codings = valuesOf(head, "transfer-encoding");
  const lengths = valuesOf(head, "content-length");
  if (codings.length > 0 && (lengths.length > 0 || !isChunkedAlone(codings))) return malformed("framing");
  if (lengths.length > 0 && !isLength(lengths, RESPONSE_DIGITS)) return malformed("framing");
  if (method === "HEAD" || status === 204 || status === 304) return whole(head, "", head.end);
  if (codings.length > 0) return readChunked(bytes, head);
  if (lengths.length > 0) return readLength(bytes, head, lengths, RESPONSE_DIGITS);
  return isEnded ? whole(head, bytes.slice(head.end), bytes.length) : CUT;
}

/** Returns the status in a status line, if it is one. Its version and reason do not matter. */
export function statusOf({ start }: Pick<Message, "start">): number | undefined {
  const status = /^HTTP\/(?:0\.9|1\.[01]|2\.0) ([1-5]\d\d)(?: .*)?$/.exec(start)?.[1];
  return status === undefined ? undefined : Number(status);
}

/** Returns all values of a header, by its name in lower case. */
export function valuesOf({ headers }: Pick<Message, "headers">, name: string): readonly string[] {
  return headers.filter(([given]) => given === name).map(([, value]) => value);
}

/** Skips empty lines before a start line (RFC 9112 §2.2), with any line ending. */
function skipEmptyLines(bytes: string, from: number): number {
  let at = from;
  while (bytes[at] === "\r" || bytes[at] === "\n") at += 1;
  return at;
}

function readHead(bytes: string, from: number): Read<Head> {
  const end = bytes.indexOf("\r\n\r\n", from);
  if (end === -1) return CUT;
  const [start = "", ...lines] = bytes.slice(from, end).split("\r\n");
  if (/[\r\n]/.test(start)) return malformed("start line");
  const headers = lines.map(readLine);
  if (!headers.every((header) => header !== undefined)) return malformed("header line");
  return { start, headers, end: end + 4 };
}

function readLine(line: string): readonly [string, string] | undefined {
  const [, name = "", value = ""] = /^([!#$%&'*+\-.^_`|~\w]+):([\t\x20-\x7e\x80-\xff]*)$/.exec(line) ?? [];
  return name === "" ? undefined : [name.toLowerCase(), value.replace(/^[\t ]+|[\t ]+$/g, "")];
}

function isChunkedAlone(codings: readonly string[]): boolean {
  return codings.length === 1 && codings[0]?.toLowerCase() === "chunked";
}

/** Digits of a length in a request, where a length over 2^53 is refused. */
const REQUEST_DIGITS = 15;

/** Digits of a length in a response, where an impossible length is passed on and the response aborted. */
const RESPONSE_DIGITS = 20;

function isLength([length = "", ...more]: readonly string[], digits: number): boolean {
  return more.length === 0 && /^\d+$/.test(length) && length.length <= digits;
}

function readLength(bytes: string, head: Head, lengths: readonly string[], digits: number): ParseResult {
  if (!isLength(lengths, digits)) return malformed("Content-Length");
  const end = head.end + Number(lengths[0]);
  return bytes.length < end ? CUT : whole(head, bytes.slice(head.end, end), end);
}

function readChunked(bytes: string, head: Head): ParseResult {
  const body: string[] = [];
  let at = head.end;
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd === -1) return CUT;
    // Any number of leading zeros: the size is the same (RFC 9112 §7.1 limits no digits).
    const line = /^(0*[\da-f]{1,12})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?$/i.exec(bytes.slice(at, lineEnd));
    if (line === null) return malformed("chunk size");
    const size = Number.parseInt(line[1] ?? "", 16);
    if (size === 0) return readTrailers(bytes, head, body.join(""), lineEnd);
    at = lineEnd + 2 + size;
    if (bytes.length < at + 2) return CUT;
    if (!bytes.startsWith("\r\n", at)) return malformed("chunk end");
    body.push(bytes.slice(lineEnd + 2, at));
    at += 2;
  }
}

/** @param lineEnd index of the end of the last chunk's line. */
function readTrailers(bytes: string, head: Head, body: string, lineEnd: number): ParseResult {
  if (bytes.startsWith("\r\n", lineEnd + 2)) return whole(head, body, lineEnd + 4);
  const end = bytes.indexOf("\r\n\r\n", lineEnd);
  if (end === -1) return CUT;
  const trailers = bytes.slice(lineEnd + 2, end).split("\r\n");
  return trailers.every((line) => readLine(line) !== undefined)
    ? whole(head, body, end + 4)
    : malformed("trailer");
}

function whole({ start, headers }: Head, body: string, end: number): ParseResult {
  return { kind: "whole", message: { start, headers, body, end } };
}

function malformed(why: string): Exclude<ParseResult, { kind: "whole" }> {
  return { kind: "malformed", why };
}

import type { RequestHead } from "../llhttp/request-head.ts";
import { tokenizeRequestHead } from "../llhttp/request-head.ts";

/** A request head that the fast lane reads. */
export interface FastHead {
  readonly method: string;
  /** The request target, in origin form (RFC 9112 §3.2.1). */
  readonly url: string;
  /** Name, value, name, value, … as received, one character a byte. */
  readonly rawHeaders: string[];
  /** Of the body, in bytes. */
  readonly length: number;
}

/** The methods of the fast lane: those that Node's parser knows too, and after which nothing else than HTTP can follow. */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** Headers that say how the connection goes on, or the body is framed, in a way that the fast lane does not know. */
const OTHER_LANE: ReadonlySet<string> = new Set([
  "transfer-encoding",
  "upgrade",
  "expect",
  "proxy-connection",
]);

/** Fewer than 2^53. */
const LENGTH = /^\d{1,15}$/;

const TARGET = /^\/[!-~]*$/;

/**
 * Reads a head, if it is of the subset: a known method, a target in origin form, HTTP/1.1, a body of at most one plain
 * `Content-Length`, and a connection that is kept. llhttp takes it apart, so that there is one understanding of HTTP; this rule only
 * says which of the heads that llhttp accepts stay here.
 *
 * @param bytes exactly one head, with the empty line that ends it.
 * @returns nothing for any other head: Node's server decides about it.
 */
export function readFastHead(bytes: Buffer): FastHead | undefined {
  const head = isUpperCase(bytes[0]) ? tokenizeRequestHead(bytes) : undefined;
  if (head === undefined || head.version !== "1.1") return undefined;
  if (!METHODS.has(head.method) || !TARGET.test(head.target)) return undefined;
  const length = readLength(head);
  if (length === undefined) return undefined;
  return { method: head.method, url: head.target, rawHeaders: head.rawHeaders, length };
}

/** @returns nothing if a header belongs to the other lane. */
function readLength({ rawHeaders }: RequestHead): number | undefined {
  let length: number | undefined;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    // The names that count have these lengths, and most headers have another one.
    if (
      name.length !== 10 &&
      name.length !== 14 &&
      name.length !== 6 &&
      name.length < 16 &&
      name.length !== 7
    )
      continue;
    const lowerCase = name.toLowerCase();
    if (OTHER_LANE.has(lowerCase)) return undefined;
    const value = rawHeaders[i + 1] ?? "";
    if (lowerCase === "connection" && value.toLowerCase() !== "keep-alive") return undefined;
    if (lowerCase !== "content-length") continue;
    if (length !== undefined || !LENGTH.test(value)) return undefined;
    length = Number(value);
  }
  return length ?? 0;
}

/** Empty lines may come before a head (RFC 9112 §2.2); they are left to the other lane. */
function isUpperCase(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x41 && byte <= 0x5a;
}

const REQUEST_LINE = /^([A-Z]+) \/[!-~]* HTTP\/1\.1$/;

const FIELD_LINE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~\x80-\xff]*$/;

/** The beginning of a field line, or of the empty line that ends a head. */
const PART_OF_LINE =
  /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~\x80-\xff]*\r?|[!#$%&'*+\-.^_`|~0-9A-Za-z]*|\r)$/;

const PART_OF_LENGTH = /^\d{0,15}$/;

const BLANKS_BEFORE = /^[\t ]+/;

/**
 * Tells whether the part of a head that has arrived may wait here for the rest: a whole request line, whole field lines, and a part of
 * another one, none of which is for the other lane. What Node's parser refuses at once must not wait: its client may wait for the refusal.
 */
export function mayBecomeFastHead(bytes: Buffer): boolean {
  const [first = "", ...lines] = bytes.toString("latin1").split("\r\n");
  const last = lines.pop();
  const [, method = ""] = REQUEST_LINE.exec(first) ?? [];
  return (
    last !== undefined &&
    METHODS.has(method) &&
    lines.every((line) => FIELD_LINE.test(line)) &&
    PART_OF_LINE.test(last) &&
    mayStay(lines, last.endsWith("\r") ? last.slice(0, -1) : last)
  );
}

/** Whether no line is for the other lane, and at most one says a length. @param last may be a part. */
function mayStay(lines: readonly string[], last: string): boolean {
  let lengths = 0;
  for (const [at, line] of [...lines, last].entries()) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    if (OTHER_LANE.has(name)) return false;
    if (name !== "content-length") continue;
    lengths += 1;
    const value = line.slice(colon + 1).replace(BLANKS_BEFORE, "");
    if (lengths > 1 || !(at < lines.length ? LENGTH : PART_OF_LENGTH).test(value)) return false;
  }
  return true;
}

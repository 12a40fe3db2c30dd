import { lazy } from "../../collections/lazy.ts";
import { NameTable, trimEnd } from "./header-text.ts";
import { WINDOW_BYTES } from "./instance.ts";
import { Parser } from "./parser.ts";
import type { Spans } from "./spans.ts";
import { FIELD_PART, SPAN_NUMBERS, URL_PART } from "./spans.ts";

/** The head of a request, as it was sent. All strings have one character a byte. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly version: "1.0" | "1.1";
  /** Name, value, name, value, …; values without the blanks around them. */
  readonly rawHeaders: string[];
}

const NAMES = new NameTable();
const requestParser = lazy(() => new Parser("request"));

const CR = 0x0d;
const LF = 0x0a;

/** Characters of `HTTP/1.1`. */
const VERSION_LENGTH = 8;

/**
 * Takes the head of a request apart.
 *
 * @param bytes exactly one head, with the empty line that ends it; at most {@link WINDOW_BYTES}.
 * @returns undefined if llhttp refuses it, if it ends anywhere but with the last byte, if it is of no version 1.0 or 1.1 of HTTP, and
 *   if it asks for another protocol (`Upgrade`, `CONNECT`).
 * @example
 *   tokenizeRequestHead(Buffer.from("GET /a HTTP/1.1\r\nHost: b\r\n\r\n"));
 *   // { method: "GET", target: "/a", version: "1.1", rawHeaders: ["Host", "b"] }
 */
export function tokenizeRequestHead(bytes: Buffer): RequestHead | undefined {
  if (bytes.length > WINDOW_BYTES) return undefined;
  const parser = requestParser();
  parser.reset();
  if (parser.execute(bytes) !== "head" || parser.position !== bytes.length || parser.isUpgrade)
    return undefined;
  return readSpans(bytes.toString("latin1"), parser.spans);
}

/** Each part of a head that is in one piece is one span. */
function readSpans(head: string, { numbers, count }: Spans): RequestHead | undefined {
  const rawHeaders: string[] = [];
  let method = "";
  let target = "";
  let version: RequestHead["version"] | undefined;
  for (let index = 0; index < count * SPAN_NUMBERS; index += SPAN_NUMBERS) {
    const from = numbers[index + 1] ?? 0;
    const to = from + (numbers[index + 2] ?? 0);
    if (numbers[index] === FIELD_PART) rawHeaders.push(NAMES.sliceName(head, from, to));
    else if (numbers[index] === URL_PART) {
      method = readMethod(head);
      target = head.slice(from, to);
      version = readVersion(head, to);
    } else rawHeaders.push(trimEnd(head.slice(from, to)));
  }
  return version === undefined ? undefined : { method, target, version, rawHeaders };
}

/** llhttp takes `HTTP/0.9`, `HTTP/2.0`, `RTSP/1.0` and `ICE/1.0` too, and no version at all, even if a target ends like one. */
function readVersion(head: string, targetEnd: number): RequestHead["version"] | undefined {
  const at = head.indexOf("\r\n", targetEnd) - VERSION_LENGTH;
  if (at <= targetEnd) return undefined;
  if (head.startsWith("HTTP/1.1", at)) return "1.1";
  return head.startsWith("HTTP/1.0", at) ? "1.0" : undefined;
}

/** Empty lines before it are allowed (RFC 9112 §2.2). */
function readMethod(head: string): string {
  let from = 0;
  while (head.charCodeAt(from) === CR || head.charCodeAt(from) === LF) from += 1;
  return head.slice(from, head.indexOf(" ", from));
}

import { NameTable, trimEnd } from "../../http1/llhttp/header-text.ts";
import type { Spans } from "../../http1/llhttp/spans.ts";
import { FIELD_PART, SPAN_NUMBERS, STATUS_PART, VALUE_PART } from "../../http1/llhttp/spans.ts";
import { StatusLine } from "./status-line.ts";

const NAMES = new NameTable();

const MS_PER_SECOND = 1_000;

/** How long an unused connection is kept if its target says nothing about it, in milliseconds. */
export const DEFAULT_KEEP_ALIVE_MS = 4_000;

/** It is closed so long before its target would: a request could still be on its way then. */
const KEEP_ALIVE_MARGIN_MS = 2_000;
const MAX_KEEP_ALIVE_MS = 600_000;

const NOT_ASCII = /[\x80-\xff]/;

const KEEP_ALIVE_TIMEOUT = /timeout=(\d{1,10})/;

/** Collects the head of one response, in whatever pieces it arrives. */
export class ResponseHead {
  /** Name, value, …, one character a byte; values without the blanks around them. */
  headers: string[] = [];
  /** In UTF-8. */
  reason = "";
  readonly #maxBytes: number;
  readonly #statusLine = new StatusLine();
  #bytes = 0;
  /** The part that the latest piece may have ended in. */
  #lastPart = -1;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Expects another head. */
  reset(): void {
    this.headers = [];
    this.reason = "";
    this.#statusLine.reset();
    this.#bytes = 0;
    this.#lastPart = -1;
  }

  /**
   * @param text the bytes that follow those before.
   * @param spans where the parts of the head are in it.
   * @returns what is wrong with the head, if anything is.
   */
  add(text: string, { numbers, count }: Spans): "too large" | "malformed" | undefined {
    this.#bytes += text.length;
    if (this.#bytes > this.#maxBytes) return "too large";
    if (!this.#statusLine.scan(text)) return "malformed";
    for (let index = 0; index < count * SPAN_NUMBERS; index += SPAN_NUMBERS) {
      const from = numbers[index + 1] ?? 0;
      this.#addPart(numbers[index] ?? 0, text, from, from + (numbers[index + 2] ?? 0));
    }
    return undefined;
  }

  #addPart(part: number, text: string, from: number, to: number): void {
    const { headers } = this;
    if (part === STATUS_PART) this.reason += text.slice(from, to);
    // The rest of a part of which the beginning was in the piece before.
    else if (part === this.#lastPart) headers.push(`${headers.pop() ?? ""}${text.slice(from, to)}`);
    else if (part === FIELD_PART) headers.push(NAMES.sliceName(text, from, to));
    else if (part === VALUE_PART) headers.push(text.slice(from, to));
    this.#lastPart = part;
  }

  /** Call it when the head is complete. */
  end(): void {
    const { headers } = this;
    // As undici reads it.
    if (NOT_ASCII.test(this.reason)) this.reason = Buffer.from(this.reason, "latin1").toString("utf8");
    for (let i = 1; i < headers.length; i += 2) headers[i] = trimEnd(headers[i] ?? "");
  }

  /** The first value of a header. @param lowerCase its name. */
  valueOf(lowerCase: string): string | undefined {
    const { headers } = this;
    for (let i = 0; i + 1 < headers.length; i += 2) {
      const name = headers[i] ?? "";
      if (name.length === lowerCase.length && name.toLowerCase() === lowerCase) return headers[i + 1];
    }
    return undefined;
  }

  /** How long the connection may be unused, by what the target says of it, in milliseconds; 0: it must not be kept. */
  get keepAliveMs(): number {
    const seconds = KEEP_ALIVE_TIMEOUT.exec(this.valueOf("keep-alive") ?? "")?.[1];
    if (seconds === undefined) return DEFAULT_KEEP_ALIVE_MS;
    const ms = Number(seconds) * MS_PER_SECOND - KEEP_ALIVE_MARGIN_MS;
    return Math.max(0, Math.min(ms, MAX_KEEP_ALIVE_MS));
  }
}

import { Parser } from "../../http1/llhttp/parser.ts";
import { lastValueOf } from "../last-value.ts";
import { bodyEnd, bodyPieces } from "./body-pieces.ts";
import { TargetError } from "./errors.ts";
import type { LatestResponseHead, ReadResponseHead } from "./latest-response-head.ts";
import { DEFAULT_KEEP_ALIVE_MS, ResponseHead } from "./response-head.ts";

/** What a response has next. "input": nothing, until more bytes arrive. */
export type ResponseStep = "input" | "informational" | "switch" | "head" | "data" | "end" | "error";

/** How much of a body is left: none, as many bytes as its length says, its chunks, or all until the connection ends (RFC 9112 §6.3). */
type Body = "none" | "length" | "chunks" | "until end";

const SWITCHING_PROTOCOLS = 101;
const NO_CONTENT = 204;
const NOT_MODIFIED = 304;

export interface ExpectedResponse {
  /** A response to HEAD has no body, whatever its headers say. */
  readonly isHead: boolean;
  /** The request asks to switch protocols. */
  readonly maySwitch: boolean;
}

/**
 * Reads the responses of one connection, one after the other. It is given bytes, and is then asked step by step for what they hold,
 * so that its reader can stop after each step.
 *
 * llhttp reads heads and chunks. The bytes of other bodies are counted here, and not copied.
 */
export class ResponseParser {
  readonly head: ResponseHead;
  status = 0;
  /** The head is the latest one of all connections to the target, and its list of headers the same. */
  isHeadRepeated = false;
  /** How many chunks were read; its reader counts from 0 again. */
  chunksRead = 0;
  /** How long the connection may be unused after the response, in milliseconds; 0: it must not be kept. */
  keepAliveMs: number = DEFAULT_KEEP_ALIVE_MS;
  /** The latest piece of the body. */
  data: Buffer = EMPTY;
  #error: TargetError | undefined;
  readonly #parser = new Parser("response");
  readonly #maxHeadBytes: number;
  #expected: ExpectedResponse = { isHead: false, maySwitch: false };
  readonly #latest: LatestResponseHead | undefined;
  /** Nothing of the head was read. */
  #isAtHead = true;
  #isHeadRead = false;
  #shouldKeepAlive = false;
  #body: Body = "none";
  /** Bytes of the body that have not arrived. */
  #left = 0;
  /** Bytes that have arrived and were not read. */
  #rest: Buffer | undefined;
  /** Pieces of the body that were read, and the index of the first that was not returned. */
  #pieces: readonly Buffer[] = [];
  #nextPiece = 0;
  /** Bytes since the last one of the body: sizes of chunks, their extensions, trailers. */
  #overhead = 0;

  /** @param latest of all connections to the target; absent: each head is read anew. */
  constructor(maxHeadBytes: number, latest?: LatestResponseHead) {
    this.head = new ResponseHead(maxHeadBytes);
    this.#maxHeadBytes = maxHeadBytes;
    this.#latest = latest;
  }

  /** Expects the response to another request. */
  start(expected: ExpectedResponse): void {
    this.#expected = expected;
    this.#isHeadRead = false;
    this.#error = undefined;
    this.#pieces = [];
    this.#startHead();
  }

  /** @param bytes follow those before, all of which were read. */
  add(bytes: Buffer): void {
    this.#rest = bytes;
  }

  /** What is wrong with the response, after the step "error". */
  get error(): TargetError {
    return this.#error ?? malformed("unknown");
  }

  /** Whether the head that was read has a body after it. */
  get hasBody(): boolean {
    return this.#body !== "none";
  }

  /** Whether the connection can carry another request, by the whole response: nothing may follow its end. */
  get keepsConnection(): boolean {
    return this.#shouldKeepAlive && this.keepAliveMs > 0 && this.#rest === undefined;
  }

  /** Whether bytes have arrived that were not read. */
  get hasRest(): boolean {
    return this.#rest !== undefined;
  }

  /** Whether the end of the connection, in order, is the end of the response. */
  get endsWithConnection(): boolean {
    return this.#isHeadRead && this.#body === "until end";
  }

  /** Removes the bytes that were not read. */
  takeRest(): Buffer {
    const rest = this.#rest ?? EMPTY;
    this.#rest = undefined;
    return rest;
  }

  /** Gives its memory back. It must not be used again. */
  free(): void {
    this.#parser.free();
  }

  next(): ResponseStep {
    if (!this.#isHeadRead) return this.#rest === undefined ? "input" : this.#readHead(this.#rest);
    const piece = this.#pieces[this.#nextPiece];
    if (piece !== undefined) {
      this.#nextPiece += 1;
      this.data = piece;
      return "data";
    }
    // After the pieces before it, as if they had arrived alone.
    if (this.#error !== undefined) return "error";
    if (this.#body === "none") return this.#end();
    if (this.#rest === undefined) return "input";
    if (this.#body === "chunks") return this.#readChunks(this.#rest);
    return this.#readPlain(this.#rest);
  }

  #readHead(bytes: Buffer): ResponseStep {
    const isWhole = this.#isAtHead;
    this.#isAtHead = false;
    const known = isWhole && !this.#expected.isHead ? this.#latest?.find(bytes) : undefined;
    this.isHeadRepeated = known !== undefined;
    if (known !== undefined) return this.#repeatHead(bytes, known);
    const stop = this.#parser.execute(bytes);
    const { position, spans } = this.#parser;
    if (stop === "error") return this.#fail(malformed(this.#parser.errorReason));
    const problem = this.head.add(bytes.toString("latin1", 0, position), spans);
    if (problem === "too large") return this.#fail(tooLarge("the head"));
    if (problem === "malformed") return this.#fail(malformed("a CR without an LF in the status line"));
    this.#rest = position === bytes.length ? undefined : bytes.subarray(position);
    if (stop === "input") return this.next();
    const step = this.#endHead(this.#parser.status);
    if (isWhole && step === "head") this.#keepHead(bytes.subarray(0, position));
    return step;
  }

  /** The head has the same bytes as the latest one, and its body needs no parser. */
  #repeatHead(bytes: Buffer, known: ReadResponseHead): ResponseStep {
    const { length } = this.#latest ?? bytes;
    this.#rest = length === bytes.length ? undefined : bytes.subarray(length);
    this.status = known.status;
    this.head.headers = known.headers;
    this.head.reason = known.reason;
    this.#isHeadRead = true;
    this.#shouldKeepAlive = known.shouldKeepAlive;
    this.keepAliveMs = known.keepAliveMs;
    this.#overhead = 0;
    this.#left = known.length;
    this.#body = known.length === 0 ? "none" : "length";
    return "head";
  }

  #keepHead(bytes: Buffer): void {
    const length = this.head.valueOf("content-length");
    if (length === undefined || this.status === NO_CONTENT || this.status === NOT_MODIFIED) return;
    const { reason, headers } = this.head;
    this.#latest?.keep(bytes, {
      status: this.status,
      reason,
      headers,
      shouldKeepAlive: this.#shouldKeepAlive,
      keepAliveMs: this.keepAliveMs,
      length: Number(length),
    });
  }

  #endHead(status: number): ResponseStep {
    this.status = status;
    if (status < 100) return this.#fail(malformed("the status is below 100"));
    this.head.end();
    if (status === SWITCHING_PROTOCOLS) {
      if (this.#expected.maySwitch && this.#parser.isUpgrade) return "switch";
      return this.#fail(malformed("a switch of protocols that was not asked for"));
    }
    if (status < 200) {
      // What follows the end of a connection is no response.
      if (!this.#parser.shouldKeepAlive) return this.#fail(malformed("an interim response that is the last"));
      this.#startHead();
      return "informational";
    }
    this.#isHeadRead = true;
    this.#shouldKeepAlive = this.#parser.shouldKeepAlive;
    this.keepAliveMs = this.head.keepAliveMs;
    this.#body = this.#frameBody(status);
    if (this.#isCodingMisread()) return this.#fail(malformed("a tab after chunked"));
    return "head";
  }

  /** Whether llhttp takes `chunked` for another coding, because a tab follows it: the chunks would be the body. */
  #isCodingMisread(): boolean {
    if (this.#body !== "until end" && !this.#expected.isHead) return false;
    const coding = lastValueOf(this.head.headers, "transfer-encoding");
    return coding?.toLowerCase() === "chunked" && this.#parser.needsEof;
  }

  #frameBody(status: number): Body {
    this.#left = Number.POSITIVE_INFINITY;
    this.#overhead = 0;
    if (this.#expected.isHead || status === NO_CONTENT || status === NOT_MODIFIED) return "none";
    if (this.#parser.needsEof) return "until end";
    // llhttp has refused whatever is no number, and a length together with chunks.
    const length = this.head.valueOf("content-length");
    if (length === undefined) return "chunks";
    this.#left = Number(length);
    return this.#left === 0 ? "none" : "length";
  }

  #readPlain(bytes: Buffer): ResponseStep {
    const length = Math.min(bytes.length, this.#left);
    this.data = length === bytes.length ? bytes : bytes.subarray(0, length);
    this.#rest = length === bytes.length ? undefined : bytes.subarray(length);
    this.#left -= length;
    if (this.#left === 0) this.#body = "none";
    return "data";
  }

  #readChunks(bytes: Buffer): ResponseStep {
    const stop = this.#parser.execute(bytes);
    const { position, spans } = this.#parser;
    this.#pieces = bodyPieces(bytes, spans);
    this.chunksRead += spans.count;
    this.#nextPiece = 0;
    this.#rest = position === bytes.length ? undefined : bytes.subarray(position);
    const end = bodyEnd(spans);
    this.#overhead = position - end + (end === 0 ? this.#overhead : 0);
    if (stop === "error") this.#error = malformed(this.#parser.errorReason);
    else if (this.#overhead > this.#maxHeadBytes) this.#error = tooLarge("trailers or extensions of chunks");
    else if (stop === "message") this.#body = "none";
    return this.next();
  }

  /** Keeps nothing of it: the connection may be unused for long. */
  #end(): ResponseStep {
    this.data = EMPTY;
    this.#pieces = [];
    this.head.reset();
    return "end";
  }

  #startHead(): void {
    this.#isAtHead = true;
    this.head.reset();
    this.#parser.reset();
  }

  #fail(error: TargetError): ResponseStep {
    this.#error = error;
    return "error";
  }
}

const EMPTY: Buffer = Buffer.alloc(0);

function malformed(what: string): TargetError {
  return new TargetError("TARGET_INVALID_RESPONSE", `The response is malformed: ${what}`);
}

function tooLarge(what: string): TargetError {
  return new TargetError("TARGET_HEAD_TOO_LARGE", `The response has too many bytes: ${what}`);
}

import type { UpstreamHandler } from "../../http1/upstream.ts";
import type { TargetError } from "./errors.ts";
import type { LatestResponseHead } from "./latest-response-head.ts";
import type { ExpectedResponse, ResponseStep } from "./response-parser.ts";
import { ResponseParser } from "./response-parser.ts";

/** Chunks that one response may have in a turn: they take the event loop a millisecond. */
const CHUNKS_PER_TURN = 512;

/** What a connection learns of the response that it passes on. */
export interface RelayEvents {
  /** A part of the final response was passed on. */
  onPassed(): void;
  /** The response was passed on whole. */
  onComplete(): void;
  /** The target has switched protocols. */
  onSwitch(headers: string[]): void;
  onInvalid(error: TargetError): void;
  /** The handler wants more, after it had no room. */
  onResume(): void;
}

/** Passes the responses of a connection to their handlers, one after the other and step by step, as fast as these take them. */
export class ResponseRelay {
  /** The first bytes of the response have arrived. */
  isStarted = false;
  /** The handler has no room for more of the response. */
  isPaused = false;
  readonly #parser: ResponseParser;
  readonly #events: RelayEvents;
  #handler: UpstreamHandler | undefined;

  constructor(maxHeadBytes: number, latest: LatestResponseHead | undefined, events: RelayEvents) {
    this.#parser = new ResponseParser(maxHeadBytes, latest);
    this.#events = events;
  }

  /** How long the connection may be unused after the response, in milliseconds. */
  get keepAliveMs(): number {
    return this.#parser.keepAliveMs;
  }

  /** Whether the connection can carry another request, by the whole response. */
  get keepsConnection(): boolean {
    return this.#parser.keepsConnection;
  }

  /** Whether the end of the connection, in order, is the end of the response. */
  get endsWithConnection(): boolean {
    return this.#parser.endsWithConnection;
  }

  /** More of a body follows what has arrived. */
  get isMidBody(): boolean {
    return this.#handler !== undefined && this.#parser.hasBody;
  }

  /** Whether all that has arrived was passed on, and nothing reads it any more. */
  get isPassedOn(): boolean {
    return !this.isPaused && !this.#parser.hasRest && this.#handler?.holdsData?.() === false;
  }

  /** The response has had as many chunks as it may have in a turn. Asked once for each turn. */
  takesTurn(): boolean {
    if (this.#handler === undefined || this.#parser.chunksRead < CHUNKS_PER_TURN) return false;
    this.#parser.chunksRead = 0;
    return true;
  }

  start(handler: UpstreamHandler, expected: ExpectedResponse): void {
    this.#handler = handler;
    this.isStarted = false;
    this.#parser.start(expected);
  }

  /** Passes nothing more on. */
  stop(): void {
    this.#handler = undefined;
    this.isPaused = false;
  }

  /** Removes the bytes that were not read. */
  takeRest(): Buffer {
    return this.#parser.takeRest();
  }

  /** Gives its memory back. It must not be used again. */
  free(): void {
    this.#parser.free();
  }

  /** Passes on what the bytes hold, until its handler has no room. */
  read(bytes: Buffer): void {
    if (!this.isStarted) this.#handler?.onResponseStarted();
    this.isStarted = true;
    this.#parser.add(bytes);
    this.readOn();
  }

  /** Passes on what has arrived before. */
  readOn(): void {
    const handler = this.#handler;
    if (handler === undefined) return;
    handler.onRead();
    while (!this.isPaused && this.#handler === handler) {
      const step = this.#parser.next();
      if (step === "input") return;
      this.#pass(step, handler);
    }
  }

  #pass(step: Exclude<ResponseStep, "input">, handler: UpstreamHandler): void {
    const parser = this.#parser;
    switch (step) {
      // It is no part of the final response: a target that only sends such ones has not responded in time.
      case "informational":
        return handler.onInformational();
      case "head": {
        this.#events.onPassed();
        const { status, isHeadRepeated } = parser;
        const { reason, headers } = parser.head;
        const resume = () => this.#resume(handler);
        const isFlowing = handler.onHead(status, reason, headers, resume, isHeadRepeated);
        this.isPaused = !isFlowing && parser.hasBody;
        return;
      }
      case "data":
        this.#events.onPassed();
        this.isPaused = !handler.onData(parser.data);
        return;
      case "end":
        return this.#events.onComplete();
      case "switch":
        return this.#events.onSwitch(parser.head.headers);
      case "error":
        this.isPaused = true;
        this.#events.onInvalid(parser.error);
    }
  }

  #resume(handler: UpstreamHandler): void {
    if (this.#handler !== handler || !this.isPaused) return;
    this.isPaused = false;
    this.#events.onResume();
  }
}

import type { ServerResponse } from "node:http";
import { nextTick } from "node:process";
import type { Readable } from "node:stream";
import type { Denial } from "../domain/denial.ts";
import type { Connection } from "../egress/connection.ts";
import type { ConnectionUser, Upstream } from "../egress/connection-pool.ts";
import type { Awaitable } from "../domain/awaitable.ts";
import type { Admission } from "./admissions.ts";
import type { Accounts } from "./accounts.ts";
import type { AnswerBodyContext } from "./answer-body.ts";
import { AnswerBody } from "./answer-body.ts";
import { shapeAnswer } from "./answer-head.ts";
import { breakOff } from "./break-off.ts";
import { denialOfFailure } from "./failure.ts";
import type { Asked } from "./led-elsewhere.ts";
import type { LeastRate, Pace, Paced, Window } from "./pace.ts";
import { judgeRate } from "./pace.ts";
import { judgeAttempt } from "./try-again.ts";

/** How many informational answers (1xx) a target may send before its answer: they cost us and carry nothing. */
const INFORMATIONAL_LIMIT = 16;

/** A request, ready to be sent. */
export interface UpstreamRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Makes the signed headers once there is a connection: before, the signature would age while it waits. */
  readonly sign: () => string[];
  readonly body: Readable | Buffer | null;
  /** What the answer is to. */
  readonly asked: Asked;
  /** Milliseconds until the target must have begun its answer. */
  readonly answerTimeoutMs: number;
  /** Milliseconds without a byte of the target's answer after which it is given up. */
  readonly idleTimeoutMs: number;
}

/** What all exchanges are handed. */
export interface ExchangeContext extends AnswerBodyContext {
  /** Asks the revocation log again; the admission tells. An engine inside the process answers at once. */
  readonly recheck: () => Awaitable<void>;
  /** Header lines for answers to other origins. */
  readonly cors: readonly string[];
  readonly pace: Pace;
  /** How fast a requester must read while its answer waits for it. */
  readonly reader: LeastRate;
  /** How long an exchange may last, in milliseconds. */
  readonly totalTimeoutMs: number;
  /** Told of every head, piece and end of an answer, in bytes, before it is passed on. */
  readonly passing: (bytes: number) => void;
}

/** How an exchange ended, once nothing more will happen on either side. */
export type ExchangeEnd =
  | { readonly kind: "answered"; readonly status: number }
  /** Nothing was answered: the caller answers this in place of the target. */
  | { readonly kind: "denied"; readonly denial: Denial; readonly cause?: Error }
  /** The answer had begun and was broken off, on the requester's side too: never a short body that looks whole. */
  | { readonly kind: "broken"; readonly status: number; readonly cause?: Error }
  | { readonly kind: "requester_left" };

/**
 * One request to the target and its answer on the way back. The methods in the second half are called by undici; its
 * handler with raw header lists is used, since header objects would be built for each answer and taken apart again.
 */
export class Exchange implements Paced, ConnectionUser {
  readonly ended: Promise<ExchangeEnd>;
  readonly accounts: Accounts;
  place = -1;
  readonly #response: ServerResponse;
  readonly #out: AnswerBody;
  readonly #context: ExchangeContext;
  #end: (end: ExchangeEnd) => void = nothing;
  #upstream: Upstream | undefined;
  #request: UpstreamRequest | undefined;
  #connection: Connection | undefined;
  /** Undici's; set while a part of the request may have reached the target. */
  #abort: ((error: Error) => void) | undefined;
  #isAnswered = false;
  #isRepeated = false;
  readonly #begunAt: number;
  /** How long the exchange may last until it gets a connection. */
  #waitMs = Number.POSITIVE_INFINITY;
  /** Bytes of the answer that were handed on. */
  #passed = 0;
  #window: Window | undefined;
  #informational = 0;
  #isHead = false;
  #status: number | undefined;
  #isOver = false;

  constructor(
    response: ServerResponse,
    { admission, accounts }: { readonly admission: Admission; readonly accounts: Accounts },
    context: ExchangeContext,
  ) {
    this.#response = response;
    this.accounts = accounts;
    this.#out = new AnswerBody(response, this, context);
    this.#context = context;
    this.#begunAt = context.pace.now();
    context.pace.add(this);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    // The socket's end and not the response's: one that waits behind another on its connection never hears of it.
    response.req.socket.on("close", this.#onRequesterClose);
    admission.onRevoke(() => this.#fail({ reason: "unauthorized" }));
  }

  start(upstream: Upstream, request: UpstreamRequest): void {
    this.#upstream = upstream;
    this.#request = request;
    if (this.#response.req.socket.destroyed) this.#onRequesterClose();
    if (this.#isOver) return this.#letGoOfBody();
    this.#isHead = request.method === "HEAD";
    // The wait for a free connection, which the dispatcher does not count.
    this.#waitMs = request.answerTimeoutMs;
    upstream.acquire(this);
  }

  onConnection(connection: Connection): void {
    this.#connection = connection;
    if (this.#request === undefined) return;
    const { method, path, sign, body, answerTimeoutMs, idleTimeoutMs } = this.#request;
    try {
      connection.dispatch(
        { method, path, headers: sign(), body, headersTimeout: answerTimeoutMs, bodyTimeout: idleTimeoutMs },
        this,
      );
    } catch (error) {
      this.onError(error instanceof Error ? error : new Error("the request was not sent", { cause: error }));
    }
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#waitMs = Number.POSITIVE_INFINITY;
    this.#abort = abort;
    // Asked again before the first byte goes out: time has passed since the request was let through.
    if (!this.#isOver) this.#recheck();
    if (this.#isOver) abort(new Error("the exchange is over"));
  }

  onResponseStarted(): void {
    this.#isAnswered = true;
  }

  /** Without an answer of the store nothing goes out, or on. */
  #recheck(): void {
    const refuse = (error: unknown): void =>
      this.#fail({ reason: "store_busy" }, error instanceof Error ? error : undefined);
    try {
      const asked = this.#context.recheck();
      if (asked instanceof Promise) asked.catch(refuse);
    } catch (error) {
      refuse(error);
    }
  }

  onHeaders(status: number, rawHeaders: Buffer[], resume: () => void, reason: string): boolean {
    if (status >= 100 && status < 200) {
      this.#informational += 1;
      if (this.#informational > INFORMATIONAL_LIMIT) this.#fail({ reason: "target_incomplete" });
      return true;
    }
    this.#context.passing(0);
    if (this.#isOver || this.#request === undefined) return false;
    const lines = rawHeaders.map((part) => part.toString("latin1"));
    const isBodiless = status === 204 || (this.#isHead && this.#response.req.method !== "HEAD");
    const shaped = shapeAnswer(status, reason, lines, this.#context.cors, this.#request.asked, isBodiless);
    if (!shaped.ok) {
      this.#fail(shaped.denial);
      return false;
    }
    const head = shaped.value;
    const response = this.#response;
    this.#status = status;
    this.#out.begin(resume);
    response.writeHead(head.status, head.reason, head.headers);
    // With the first piece of the body if there is one by now, by itself otherwise: a reader of events waits for it.
    nextTick(flushHead, this);
    // Whole with their heads (RFC 9110 §6.4.1); undici takes the Content-Length that a 304 may have for a body cut short.
    if (status === 204 || status === 304) this.onComplete();
    if (response.req.method === "HEAD" && !this.#isHead) this.#dropBody();
    return true;
  }

  /** Node writes even nothing to the connection, for a system call each time, if the head has gone out already. */
  flushHead(): void {
    if (!this.#isOver && this.#passed === 0) this.#response.flushHeaders();
  }

  onData(chunk: Buffer): boolean {
    this.#context.passing(chunk.length);
    if (this.#isOver) return false;
    this.#passed += chunk.length;
    // Undici passes an empty piece when it resumes after a pause; to pause at that one would end the process.
    return chunk.length === 0 || this.#out.write(chunk);
  }

  tick(now: number): void {
    if (this.#isOver) return this.#tickAfterwards(now);
    const elapsed = now - this.#begunAt;
    if (elapsed >= Math.min(this.#waitMs, this.#context.totalTimeoutMs))
      this.#fail({ reason: "target_timeout" });
    else if (this.#isReaderTooSlow(now)) this.#fail({ reason: "request_timeout" });
  }

  /** The answer is whole, and its end may still wait for its reader. */
  #tickAfterwards(now: number): void {
    if (this.#response.writableFinished || this.#response.destroyed) this.#context.pace.delete(this);
    else if (this.#isReaderTooSlow(now)) breakOff(this.#response);
  }

  /** Its client takes nothing, and others need the memory. */
  evict(): void {
    if (this.#isOver) breakOff(this.#response);
    else this.#fail({ reason: "request_timeout" }, new WaitedTooLongError());
  }

  #isReaderTooSlow(now: number): boolean {
    const { waiting } = this.#out;
    const read = this.#passed - waiting;
    const judged = waiting === 0 ? undefined : judgeRate(this.#window, read, now, this.#context.reader);
    if (judged === "too_slow") return true;
    this.#window = judged;
    return false;
  }

  /** Whoever asked for a head alone would have the whole body pulled for nothing, as fast as it comes. */
  #dropBody(): void {
    this.onComplete();
    this.#abort?.(new Error("only the head was asked for"));
  }

  onComplete(): void {
    if (!this.#isOver) this.#context.passing(0);
    if (this.#isOver) return;
    this.#over({ kind: "answered", status: this.#status ?? 0 });
    this.#out.end();
  }

  onUpgrade(_status: number, _rawHeaders: Buffer[] | string[] | null, socket: { destroy(): void }): void {
    socket.destroy();
    this.#fail({ reason: "target_incomplete" });
  }

  onError(cause: Error): void {
    if (this.#isOver) return;
    const sent = this.#judgeAttempt();
    if (sent === "fail") {
      // A request that was not begun leaves its connection reserved.
      if (this.#abort === undefined) void this.#connection?.destroy();
      return this.#fail(denialOfFailure(cause), cause);
    }
    this.#abort = undefined;
    this.#connection = undefined;
    this.#waitMs = this.#request?.answerTimeoutMs ?? 0;
    if (sent === "send") return this.#upstream?.acquire(this);
    this.#isRepeated = true;
    this.#upstream?.acquireNew(this);
  }

  #judgeAttempt(): ReturnType<typeof judgeAttempt> {
    const [connection, request] = [this.#connection, this.#request];
    if (connection === undefined || request === undefined) return "fail";
    const [isBegun, isAnswered, isRepeated] = [this.#abort !== undefined, this.#isAnswered, this.#isRepeated];
    return judgeAttempt({ connection, request, isBegun, isAnswered, isRepeated });
  }

  #fail(denial: Denial, cause?: Error): void {
    if (this.#isOver) return;
    const why = cause === undefined ? {} : { cause };
    if (this.#status === undefined) {
      this.#over({ kind: "denied", denial, ...why });
    } else {
      this.#over({ kind: "broken", status: this.#status, ...why });
      breakOff(this.#response);
    }
    this.#abort?.(cause ?? new Error(denial.reason));
  }

  readonly #onRequesterClose = (): void => {
    if (this.#isOver) return;
    this.#over({ kind: "requester_left" });
    this.#abort?.(new Error("the requester left"));
  };

  #over(end: ExchangeEnd): void {
    this.#isOver = true;
    this.#upstream?.cancel(this);
    this.#response.req.socket.off("close", this.#onRequesterClose);
    if (this.#out.isFlowing) this.#context.pace.delete(this);
    this.#letGoOfBody();
    this.#end(end);
  }

  /** Undici does so only for a request that it has begun to send; what is held on to could not be dropped by who answers. */
  #letGoOfBody(): void {
    const body = this.#request?.body ?? null;
    if (body !== null && !Buffer.isBuffer(body)) body.destroy();
  }
}

/** The response had waited longest for its client when its capability or tenant had used up its share. */
class WaitedTooLongError extends Error {
  override readonly name = "WaitedTooLongError";
  readonly code = "WAITED_TOO_LONG";
}

function nothing(): void {}

function flushHead(exchange: Exchange): void {
  exchange.flushHead();
}

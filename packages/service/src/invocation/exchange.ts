import type { ServerResponse } from "node:http";
import { nextTick } from "node:process";
import type { Readable } from "node:stream";
import type { Denial } from "../domain/denial.ts";
import type { Connection } from "../egress/connection.ts";
import type { ConnectionWaiter, UpstreamPool } from "../egress/connection-pool.ts";
import type { InFlightRequest } from "./in-flight-registry.ts";
import type { UsageAccounts } from "./usage-accounts.ts";
import type { ResponseBodyContext } from "./response-body.ts";
import { ResponseBody } from "./response-body.ts";
import { buildResponseHead } from "./response-head.ts";
import { abortResponse } from "./abort-response.ts";
import { denialForUpstreamError } from "./upstream-error.ts";
import type { SentRequest } from "./reference-filter.ts";
import type { MinDataRate, Ticker, Tickable, RateWindow } from "./ticker.ts";
import { checkRate } from "./ticker.ts";
import { decideRetry } from "./retry.ts";

/** How many informational answers (1xx) a target may send before its answer: they cost us and carry nothing. */
const MAX_INFORMATIONAL_RESPONSES = 16;

/** A request, ready to be sent. */
export interface UpstreamRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Makes the signed headers once there is a connection: before, the signature would age while it waits. */
  readonly sign: () => string[];
  readonly body: Readable | Buffer | null;
  /** What the answer is to. */
  readonly sentRequest: SentRequest;
  /** Milliseconds until the target must have begun its answer. */
  readonly responseTimeoutMs: number;
  /** Milliseconds without a byte of the target's answer after which it is given up. */
  readonly idleTimeoutMs: number;
}

/** What all exchanges are handed. */
export interface ExchangeContext extends ResponseBodyContext {
  /** Reads the revocation log, which ends the requests that were revoked. False: the log is not known at this moment. */
  readonly recheck: () => boolean;
  /** Header lines for answers to other origins. */
  readonly cors: readonly string[];
  readonly ticker: Ticker;
  /** How fast a requester must read while its answer waits for it. */
  readonly minResponseRate: MinDataRate;
  /** How long an exchange may last, in milliseconds. */
  readonly invocationTimeoutMs: number;
  /** Told of every head, piece and end of an answer, in bytes, before it is passed on. */
  readonly onBytes: (bytes: number) => void;
}

/** How an exchange ended, once nothing more will happen on either side. */
export type ExchangeEnd =
  | { readonly kind: "completed"; readonly status: number }
  /** Nothing was answered: the caller answers this in place of the target. */
  | { readonly kind: "denied"; readonly denial: Denial; readonly cause?: Error }
  /** The answer had begun and was broken off, on the requester's side too: never a short body that looks whole. */
  | { readonly kind: "aborted"; readonly status: number; readonly cause?: Error }
  | { readonly kind: "client_disconnected" };

/**
 * One request to the target and its answer on the way back. The methods in the second half are called by undici; its
 * handler with raw header lists is used, since header objects would be built for each answer and taken apart again.
 */
export class Exchange implements Tickable, ConnectionWaiter {
  readonly ended: Promise<ExchangeEnd>;
  readonly accounts: UsageAccounts;
  index = -1;
  readonly #response: ServerResponse;
  readonly #body: ResponseBody;
  readonly #context: ExchangeContext;
  #resolveEnded: (end: ExchangeEnd) => void = nothing;
  #upstream: UpstreamPool | undefined;
  #request: UpstreamRequest | undefined;
  #connection: Connection | undefined;
  /** Undici's; set while a part of the request may have reached the target. */
  #abort: ((error: Error) => void) | undefined;
  #isResponseStarted = false;
  #isRetried = false;
  readonly #startedAt: number;
  /** How long the exchange may last until it gets a connection. */
  #waitMs = Number.POSITIVE_INFINITY;
  /** Bytes of the answer that were handed on. */
  #forwardedBytes = 0;
  #window: RateWindow | undefined;
  #informational = 0;
  #isHead = false;
  #status: number | undefined;
  #isFinished = false;

  constructor(
    response: ServerResponse,
    { inFlight, accounts }: { readonly inFlight: InFlightRequest; readonly accounts: UsageAccounts },
    context: ExchangeContext,
  ) {
    this.#response = response;
    this.accounts = accounts;
    this.#body = new ResponseBody(response, this, context);
    this.#context = context;
    this.#startedAt = context.ticker.now();
    context.ticker.add(this);
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    // The socket's end and not the response's: one that waits behind another on its connection never hears of it.
    response.req.socket.on("close", this.#onRequesterClose);
    inFlight.onRevoke(() => this.#fail({ reason: "unauthorized" }));
  }

  start(upstream: UpstreamPool, request: UpstreamRequest): void {
    this.#upstream = upstream;
    this.#request = request;
    if (this.#response.req.socket.destroyed) this.#onRequesterClose();
    if (this.#isFinished) return this.#destroyBody();
    this.#isHead = request.method === "HEAD";
    // The wait for a free connection, which the dispatcher does not count.
    this.#waitMs = request.responseTimeoutMs;
    upstream.acquire(this);
  }

  onConnection(connection: Connection): void {
    this.#connection = connection;
    if (this.#request === undefined) return;
    const { method, path, sign, body, responseTimeoutMs, idleTimeoutMs } = this.#request;
    try {
      connection.dispatch(
        {
          method,
          path,
          headers: sign(),
          body,
          headersTimeout: responseTimeoutMs,
          bodyTimeout: idleTimeoutMs,
        },
        this,
      );
    } catch (error) {
      this.onError(error instanceof Error ? error : new Error("the request was not sent", { cause: error }));
    }
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#waitMs = Number.POSITIVE_INFINITY;
    this.#abort = abort;
    // The last moment before the first byte is sent, and time has passed since the capability was resolved.
    if (!this.#isFinished) this.#recheck();
    if (this.#isFinished) abort(new Error("the exchange is over"));
  }

  onResponseStarted(): void {
    this.#isResponseStarted = true;
  }

  /** Fails the exchange if the capability was revoked, or if that is not known now: nothing can wait here. */
  #recheck(): void {
    try {
      if (!this.#context.recheck()) this.#fail({ reason: "store_busy" });
    } catch (error) {
      this.#fail({ reason: "store_busy" }, error instanceof Error ? error : undefined);
    }
  }

  onHeaders(status: number, rawHeaders: Buffer[], resume: () => void, reason: string): boolean {
    if (status >= 100 && status < 200) {
      this.#informational += 1;
      if (this.#informational > MAX_INFORMATIONAL_RESPONSES) this.#fail({ reason: "target_incomplete" });
      return true;
    }
    this.#context.onBytes(0);
    if (this.#isFinished || this.#request === undefined) return false;
    const lines = rawHeaders.map((part) => part.toString("latin1"));
    const isBodiless = status === 204 || (this.#isHead && this.#response.req.method !== "HEAD");
    const shaped = buildResponseHead(
      status,
      reason,
      lines,
      this.#context.cors,
      this.#request.sentRequest,
      isBodiless,
    );
    if (!shaped.ok) {
      this.#fail(shaped.error);
      return false;
    }
    const head = shaped.value;
    const response = this.#response;
    this.#status = status;
    this.#body.start(resume);
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
    if (!this.#isFinished && this.#forwardedBytes === 0) this.#response.flushHeaders();
  }

  onData(chunk: Buffer): boolean {
    this.#context.onBytes(chunk.length);
    if (this.#isFinished) return false;
    this.#forwardedBytes += chunk.length;
    // Undici passes an empty piece when it resumes after a pause; to pause at that one would end the process.
    return chunk.length === 0 || this.#body.write(chunk);
  }

  tick(now: number): void {
    if (this.#isFinished) return this.#tickAfterEnd(now);
    const elapsed = now - this.#startedAt;
    if (elapsed >= Math.min(this.#waitMs, this.#context.invocationTimeoutMs))
      this.#fail({ reason: "target_timeout" });
    else if (this.#isReaderTooSlow(now)) this.#fail({ reason: "request_timeout" });
  }

  /** The answer is whole, and its end may still wait for its reader. */
  #tickAfterEnd(now: number): void {
    if (this.#response.writableFinished || this.#response.destroyed) this.#context.ticker.delete(this);
    else if (this.#isReaderTooSlow(now)) abortResponse(this.#response);
  }

  /** Its client takes nothing, and others need the memory. */
  evict(): void {
    if (this.#isFinished) abortResponse(this.#response);
    else this.#fail({ reason: "request_timeout" }, new WaitedTooLongError());
  }

  #isReaderTooSlow(now: number): boolean {
    const { unsentBytes } = this.#body;
    const read = this.#forwardedBytes - unsentBytes;
    const window =
      unsentBytes === 0 ? undefined : checkRate(this.#window, read, now, this.#context.minResponseRate);
    if (window === "too_slow") return true;
    this.#window = window;
    return false;
  }

  /** Whoever asked for a head alone would have the whole body pulled for nothing, as fast as it comes. */
  #dropBody(): void {
    this.onComplete();
    this.#abort?.(new Error("only the head was asked for"));
  }

  onComplete(): void {
    if (!this.#isFinished) this.#context.onBytes(0);
    if (this.#isFinished) return;
    this.#finish({ kind: "completed", status: this.#status ?? 0 });
    this.#body.end();
  }

  onUpgrade(_status: number, _rawHeaders: Buffer[] | string[] | null, socket: { destroy(): void }): void {
    socket.destroy();
    this.#fail({ reason: "target_incomplete" });
  }

  onError(cause: Error): void {
    if (this.#isFinished) return;
    const sent = this.#decideRetry();
    if (sent === "fail") {
      // A request that was not begun leaves its connection reserved.
      if (this.#abort === undefined) void this.#connection?.destroy();
      return this.#fail(denialForUpstreamError(cause), cause);
    }
    this.#abort = undefined;
    this.#connection = undefined;
    this.#waitMs = this.#request?.responseTimeoutMs ?? 0;
    if (sent === "send") return this.#upstream?.acquire(this);
    this.#isRetried = true;
    this.#upstream?.acquireNew(this);
  }

  #decideRetry(): ReturnType<typeof decideRetry> {
    const [connection, request] = [this.#connection, this.#request];
    if (connection === undefined || request === undefined) return "fail";
    const [isSent, isAnswered, isRetried] = [
      this.#abort !== undefined,
      this.#isResponseStarted,
      this.#isRetried,
    ];
    return decideRetry({ connection, request, isSent, isAnswered, isRetried });
  }

  #fail(denial: Denial, cause?: Error): void {
    if (this.#isFinished) return;
    const why = cause === undefined ? {} : { cause };
    if (this.#status === undefined) {
      this.#finish({ kind: "denied", denial, ...why });
    } else {
      this.#finish({ kind: "aborted", status: this.#status, ...why });
      abortResponse(this.#response);
    }
    this.#abort?.(cause ?? new Error(denial.reason));
  }

  readonly #onRequesterClose = (): void => {
    if (this.#isFinished) return;
    this.#finish({ kind: "client_disconnected" });
    this.#abort?.(new Error("the requester left"));
  };

  #finish(end: ExchangeEnd): void {
    this.#isFinished = true;
    this.#upstream?.cancel(this);
    this.#response.req.socket.off("close", this.#onRequesterClose);
    if (this.#body.isFlowing) this.#context.ticker.delete(this);
    this.#destroyBody();
    this.#resolveEnded(end);
  }

  /** Undici does so only for a request that it has begun to send; what is held on to could not be dropped by who answers. */
  #destroyBody(): void {
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

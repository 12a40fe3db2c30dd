import { nextTick } from "node:process";
import type { MaybePromise } from "../collections/maybe-promise.ts";
import type { Denial } from "../domain/denial.ts";
import type { ExchangeReport } from "../domain/exchange-report.ts";
import type { ByteStream } from "../http1/byte-stream.ts";
import type { DownstreamResponse } from "../http1/downstream.ts";
import type { UpstreamFailure, UpstreamPool } from "../http1/upstream.ts";
import { ExchangeTimes } from "./exchange-times.ts";
import type { InFlightRequest } from "./in-flight-registry.ts";
import type { UsageAccounts } from "./usage-accounts.ts";
import type { ExchangeContext, ExchangeEnd, ExchangeOrigin, UpstreamRequest } from "./exchange-context.ts";
import { ResponseBody } from "./response-body.ts";
import { destroyBody } from "./payload.ts";
import { denialForUpstreamError, WaitedTooLongError } from "./upstream-error.ts";
import type { Tickable } from "./ticker.ts";
import type { AttemptHandler } from "./upstream-attempts.ts";
import { UpstreamAttempts } from "./upstream-attempts.ts";

/** How many informational responses (1xx) a target may send before the final one: they cost work and carry nothing. */
const MAX_INFORMATIONAL_RESPONSES = 16;

/**
 * One request to the target and its response on the way back: a state machine between the ports of both sides. The client's side
 * calls `start`, the target's side the `on…` methods, and the ticker `tick`.
 */
export class Exchange implements Tickable, AttemptHandler, ExchangeReport {
  readonly ended: Promise<ExchangeEnd>;
  readonly accounts: UsageAccounts;
  index = -1;
  forwardedBytes = 0;
  upstreamStatus: number | undefined;
  readonly #response: DownstreamResponse;
  readonly #body: ResponseBody;
  readonly #context: ExchangeContext;
  readonly #inFlight: InFlightRequest;
  #resolveEnded: (end: MaybePromise<ExchangeEnd>) => void = nothing;
  #request: UpstreamRequest | undefined;
  #attempts: UpstreamAttempts | undefined;
  readonly #times: ExchangeTimes;
  #informational = 0;
  #isHead = false;
  #status: number | undefined;
  #isFinished = false;

  constructor(
    response: DownstreamResponse,
    { inFlight, accounts, arrivedAt }: ExchangeOrigin,
    context: ExchangeContext,
  ) {
    this.#response = response;
    this.accounts = accounts;
    this.#body = new ResponseBody(response, this, context);
    this.#context = context;
    this.#inFlight = inFlight;
    this.#times = new ExchangeTimes(context.ticker, arrivedAt);
    context.ticker.add(this);
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    // Listens to the socket, since a response that is queued after another on its connection gets no `close` event.
    response.req.socket.on("close", this.#onClientClose);
    inFlight.onRevoke((cause) => this.#fail(cause.denial(this.#mayHaveArrived), cause));
  }

  /** A part of the request may have reached the target. */
  get #mayHaveArrived(): boolean {
    return this.#attempts?.mayHaveArrived === true;
  }

  start(upstream: UpstreamPool, request: UpstreamRequest): void {
    this.#request = request;
    if (this.#response.req.socket.destroyed) this.#onClientClose();
    if (this.#isFinished) return destroyBody(request);
    this.#isHead = request.method === "HEAD";
    this.#attempts = new UpstreamAttempts(upstream, request, this, this.#times);
    this.#attempts.start();
  }

  onDenied(denial: Denial): void {
    this.#fail(denial);
  }

  onFault(fault: unknown): void {
    this.#finish(Promise.reject(fault));
  }

  onBegin(): boolean {
    // The last moment before the first byte is sent, and time has passed since the capability was resolved.
    if (!this.#isFinished) this.#recheck();
    if (this.#isFinished) return false;
    this.#attempts?.begin();
    return true;
  }

  onResponseStarted(): void {
    this.#attempts?.startResponse();
  }

  /** Fails the exchange if the capability was revoked or has expired, or if that is not known now: nothing can wait here. */
  #recheck(): void {
    this.#inFlight.checkExpiry();
    try {
      if (!this.#context.recheck()) this.#fail(this.#denialIfNotKnown());
    } catch (error) {
      this.#fail(this.#denialIfNotKnown(), error instanceof Error ? error : undefined);
    }
  }

  #denialIfNotKnown(): Denial {
    return { reason: this.#mayHaveArrived ? "revocations_unknown" : "store_unavailable" };
  }

  onRead(): void {
    if (!this.#isFinished) this.#context.ensureFresh();
  }

  onInformational(): void {
    this.#informational += 1;
    if (this.#informational > MAX_INFORMATIONAL_RESPONSES) this.#fail({ reason: "invalid_target_response" });
  }

  onHead(
    status: number,
    reason: string,
    lines: readonly string[],
    resume: () => void,
    isRepeated = false,
  ): boolean {
    const receivedAt = this.#context.ticker.now();
    if (this.#isFinished || this.#request === undefined) return false;
    this.upstreamStatus = status;
    const isBodiless = status === 204 || (this.#isHead && this.#response.req.method !== "HEAD");
    const received = { status, reason, lines, isBodiless, isRepeated };
    const shaped = this.#context.passedHeads.passOn(received, this.#request.sentRequest);
    if (!shaped.ok) {
      this.#fail(shaped.error);
      return false;
    }
    const head = shaped.value;
    const response = this.#response;
    this.#status = status;
    this.#context.meter.openResponses += 1;
    this.#body.start(resume);
    response.writeHead(head.status, head.reason, head.headers, head.isRepeated);
    this.#times.measure(receivedAt, this.#context.meter.durations);
    // With the first piece of the body if there is one by now, by itself otherwise: a reader of events waits for it.
    nextTick(flushHead, this);
    if (head.dropsBody || (response.req.method === "HEAD" && !this.#isHead)) this.#dropBody();
    return true;
  }

  /** Node writes even nothing to the connection, for a system call each time, if the head has gone out already. */
  flushHead(): void {
    if (!this.#isFinished && this.forwardedBytes === 0) this.#response.flushHeaders();
  }

  onData(chunk: Buffer): boolean {
    if (this.#isFinished) return false;
    this.#context.countChunk(chunk.length);
    this.forwardedBytes += chunk.length;
    this.#context.meter.targetBytes += chunk.length;
    return this.#body.write(chunk);
  }

  /** What the client has taken was copied by the operating system. */
  holdsData(): boolean {
    return this.#body.unsentBytes > 0;
  }

  elapsedMs(): number {
    return this.#times.elapsedMs();
  }

  tick(now: number): void {
    if (this.#isFinished) return this.#tickAfterEnd(now);
    if (this.#times.isOver(now, this.#context.invocationTimeoutMs)) this.#fail({ reason: "target_timeout" });
    else if (this.#isReaderTooSlow(now)) this.#fail({ reason: "request_timeout" });
  }

  /** The response is complete, and its end may still wait for the client. */
  #tickAfterEnd(now: number): void {
    if (this.#response.writableFinished || this.#response.destroyed) this.#context.ticker.delete(this);
    else if (this.#isReaderTooSlow(now)) this.#response.abort();
  }

  /** Its client takes nothing, and others need the memory. */
  evict(): void {
    if (this.#isFinished) this.#response.abort();
    else this.#fail({ reason: "request_timeout" }, new WaitedTooLongError());
  }

  #isReaderTooSlow(now: number): boolean {
    return this.#body.isReadTooSlowly(this.forwardedBytes, now, this.#context.minResponseRate);
  }

  /** A client that gets the head alone would have the whole body transferred for nothing. */
  #dropBody(): void {
    this.onEnd();
    this.#attempts?.abort(new Error("only the head is passed on"));
  }

  onEnd(): void {
    if (this.#isFinished) return;
    this.#finish({ kind: "completed", status: this.#status ?? 0, report: this });
    this.#body.end();
  }

  /** Hands the connection over: to the client it is the response, and what ends it is not decided here. */
  onUpgrade(headers: string[], stream: ByteStream): void {
    const receivedAt = this.#context.ticker.now();
    const switchProtocols = this.#request?.switchProtocols;
    this.upstreamStatus = 101;
    const switched = this.#isFinished ? undefined : switchProtocols?.(headers, stream, this.#times.startedAt);
    if (switched?.ok === true) {
      this.#times.measure(receivedAt, this.#context.meter.durations);
      this.#finish(switched.value);
      return this.#context.ticker.delete(this);
    }
    stream.destroy();
    this.#fail(switched?.error ?? { reason: "invalid_target_response" });
  }

  onError(cause: Error, failure: UpstreamFailure): void {
    if (this.#isFinished) return;
    if (this.#attempts?.retry() !== true) this.#fail(denialForUpstreamError(cause, failure), cause);
  }

  #fail(denial: Denial, cause?: Error): void {
    if (this.#isFinished) return;
    const why = cause === undefined ? {} : { cause };
    if (this.#status === undefined) {
      this.#finish({ kind: "denied", denial, report: this, ...why });
    } else {
      this.#finish({ kind: "aborted", status: this.#status, report: this, ...why });
      this.#response.abort();
    }
    this.#attempts?.abort(cause ?? new Error(denial.reason));
  }

  readonly #onClientClose = (): void => {
    if (this.#isFinished) return;
    this.#finish({ kind: "client_disconnected", report: this });
    this.#attempts?.abort(new Error("the client disconnected"));
  };

  /** @param end a promise: a rejected one for a fault of the service, or that of what the connections were handed to. */
  #finish(end: MaybePromise<ExchangeEnd>): void {
    this.#isFinished = true;
    if (this.#status !== undefined) this.#context.meter.openResponses -= 1;
    this.#attempts?.stop();
    this.#response.req.socket.off("close", this.#onClientClose);
    if (this.#body.isFlowing) this.#context.ticker.delete(this);
    // The target's side does so only for a request that it has begun to send.
    destroyBody(this.#request);
    this.#resolveEnded(end);
  }
}

function nothing(): void {}

function flushHead(exchange: Exchange): void {
  exchange.flushHead();
}

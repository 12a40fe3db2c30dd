import type { ExchangeReport } from "../../domain/exchange-report.ts";
import type { ByteStream } from "../../http1/byte-stream.ts";
import type { ExchangeContext, ExchangeEnd } from "../exchange-context.ts";
import type { InFlightRequest } from "../in-flight-registry.ts";
import type { Tickable } from "../ticker.ts";
import { WaitedTooLongError } from "../upstream-error.ts";
import type { UsageAccounts } from "../usage-accounts.ts";
import type { Reservation, WaitingResponse } from "../waiting-responses.ts";
import { TunnelDirection } from "./tunnel-direction.ts";

/** Approximate memory of one direction whose reader is paused. */
const DIRECTION_BYTES = 192 * 1_024;

/** How long one side may say nothing after the other has ended, in milliseconds. */
const CLOSING_TIMEOUT_MS = 10_000;

/** Why a tunnel was cut, other than by a revoke or an expiry; `code` is in the log. */
export class TunnelCutError extends Error {
  override readonly name = "TunnelCutError";
  readonly code: "IDLE" | "TIMEOUT" | "TOO_SLOW" | "BODY_TOO_LARGE";

  constructor(code: TunnelCutError["code"]) {
    super(`the tunnel was cut: ${code}`);
    this.code = code;
  }
}

/** What ends a tunnel. */
export interface TunnelLimits {
  /** When the request began, in milliseconds of the ticker. */
  readonly startedAt: number;
  /** How long neither side may send a byte, in milliseconds. */
  readonly idleTimeoutMs: number;
  /** How many bytes the client may send. */
  readonly maxClientBytes: number;
}

/** The two connections, and on whose behalf they are used. */
export interface TunnelSides {
  readonly client: ByteStream;
  readonly target: ByteStream;
  readonly inFlight: InFlightRequest;
  readonly accounts: UsageAccounts;
}

/**
 * A WebSocket after its handshake: bytes in both directions, which nothing here reads. It ends when both sides have ended theirs or
 * the target has ended its own, and is cut, on both sides at once, by a revoke, an expiry or a limit.
 */
export class Tunnel implements Tickable, WaitingResponse, ExchangeReport {
  readonly ended: Promise<ExchangeEnd>;
  readonly upstreamStatus = 101;
  readonly accounts: UsageAccounts;
  readonly response: ByteStream;
  index = -1;
  reservation: Reservation | undefined;
  readonly #client: ByteStream;
  readonly #target: ByteStream;
  readonly #context: ExchangeContext;
  readonly #limits: TunnelLimits;
  readonly #fromClient: TunnelDirection;
  readonly #fromTarget: TunnelDirection;
  #resolveEnded: (end: ExchangeEnd) => void = nothing;
  /** The target's connection closed before the target had ended its side. */
  #isBroken = false;
  #targetError: Error | undefined;
  /** Bytes of both directions when they were last seen to have changed, and when that was. */
  #lastBytes = 0;
  #activeAt: number;
  #isFinished = false;

  constructor(
    { client, target, inFlight, accounts }: TunnelSides,
    limits: TunnelLimits,
    context: ExchangeContext,
  ) {
    this.#client = this.response = client;
    this.#target = target;
    this.#context = context;
    this.#limits = limits;
    this.accounts = accounts;
    this.#activeAt = context.ticker.now();
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    const waiting = {
      onWaiting: () => context.waitingResponses.watch(this),
      onFlowing: () => this.#release(),
    };
    const fromClient = {
      ...waiting,
      onBytes: (bytes: number) => this.#onClientBytes(bytes),
      onEnd: () => target.end(),
    };
    const fromTarget = {
      ...waiting,
      onBytes: (bytes: number) => this.#onTargetBytes(bytes),
      onEnd: () => this.#onTargetEnd(),
    };
    this.#fromClient = new TunnelDirection(client, target, fromClient, context.chunkScheduler);
    this.#fromTarget = new TunnelDirection(target, client, fromTarget, context.chunkScheduler);
    target.on("error", (error) => {
      this.#targetError = error;
    });
    target.on("close", () => this.#onTargetClose());
    client.on("close", () => this.#end());
    context.ticker.add(this);
    context.meter.openWebSockets += 1;
    inFlight.onRevoke((cause) => this.#cut(cause));
    // A side may have closed before there was a listener.
    if (client.destroyed) this.#end();
    else if (target.destroyed) this.#onTargetClose();
    this.#fromClient.start();
    this.#fromTarget.start();
  }

  get forwardedBytes(): number {
    return this.#fromTarget.receivedBytes;
  }

  get receivedBytes(): number {
    return this.#fromClient.receivedBytes;
  }

  get bufferedBytes(): number {
    if (this.#isFinished) return 0;
    const directions = [this.#fromClient, this.#fromTarget];
    return directions.filter(({ unsentBytes }) => unsentBytes > 0).length * DIRECTION_BYTES;
  }

  elapsedMs(): number {
    return this.#context.ticker.now() - this.#limits.startedAt;
  }

  tick(now: number): void {
    const { startedAt } = this.#limits;
    const { invocationTimeoutMs, minResponseRate } = this.#context;
    const bytes = this.#movedBytes();
    if (bytes !== this.#lastBytes) {
      this.#lastBytes = bytes;
      this.#activeAt = now;
    }
    if (now - startedAt >= invocationTimeoutMs) this.#cut(new TunnelCutError("TIMEOUT"));
    else if (
      this.#fromClient.isTooSlow(now, minResponseRate) ||
      this.#fromTarget.isTooSlow(now, minResponseRate)
    )
      this.#cut(new TunnelCutError("TOO_SLOW"));
    else if (now - this.#activeAt >= this.#idleTimeoutMs) this.#end();
  }

  evict(): void {
    this.#cut(new WaitedTooLongError());
  }

  get #idleTimeoutMs(): number {
    const { idleTimeoutMs } = this.#limits;
    const isClosing = this.#fromClient.isEnded || this.#fromTarget.isEnded;
    return isClosing ? Math.min(idleTimeoutMs, CLOSING_TIMEOUT_MS) : idleTimeoutMs;
  }

  /** What was sent and what was read count separately, since a side that reads slowly is not idle. */
  #movedBytes(): number {
    const directions = [this.#fromClient, this.#fromTarget];
    return directions.reduce((sum, { receivedBytes, sentBytes }) => sum + receivedBytes + sentBytes, 0);
  }

  /** @returns whether the tunnel is still open: reading the revocation log may have ended it. */
  #onBytes(bytes: number): boolean {
    this.#context.ensureFresh();
    this.#context.countChunk(bytes);
    return !this.#isFinished;
  }

  #onTargetBytes(bytes: number): boolean {
    this.#context.meter.targetBytes += bytes;
    return this.#onBytes(bytes);
  }

  #onClientBytes(bytes: number): boolean {
    if (this.receivedBytes > this.#limits.maxClientBytes) this.#cut(new TunnelCutError("BODY_TOO_LARGE"));
    this.#context.meter.clientBytes += bytes;
    return this.#onBytes(bytes);
  }

  #release(): void {
    if (this.reservation !== undefined && this.bufferedBytes === 0)
      this.#context.waitingResponses.release(this);
  }

  /** The server of a WebSocket ends its side last (RFC 6455 §7.1.1), so what the client still sends is for nothing. */
  #onTargetEnd(): void {
    this.#fromClient.close();
    this.#client.end();
  }

  #onTargetClose(): void {
    if (this.#fromTarget.isEnded) return;
    this.#isBroken = true;
    // What came before is written first: a frame in it may say why.
    this.#fromTarget.end();
  }

  /** Ends the tunnel after one of its sides has; if none has, neither has sent anything for too long. */
  #end(): void {
    if (this.#isBroken) this.#cut(this.#targetError);
    else if (this.#fromTarget.isEnded)
      this.#finish({ kind: "completed", status: this.upstreamStatus, report: this });
    else if (this.#fromClient.isEnded || this.#client.destroyed)
      this.#finish({ kind: "client_disconnected", report: this });
    else this.#cut(new TunnelCutError("IDLE"));
  }

  #cut(cause: Error | undefined): void {
    const why = cause === undefined ? {} : { cause };
    this.#finish({ kind: "aborted", status: this.upstreamStatus, report: this, ...why });
  }

  #finish(end: ExchangeEnd): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#context.meter.openWebSockets -= 1;
    this.#context.ticker.delete(this);
    this.#fromClient.close();
    this.#fromTarget.close();
    this.#client.destroy();
    this.#target.destroy();
    this.#resolveEnded(end);
  }
}

function nothing(): void {}

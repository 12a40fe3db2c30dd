import type { Socket } from "node:net";
import type { RequestMessage, UpstreamFailure, UpstreamHandler } from "../../http1/upstream.ts";
import type { ConnectionOptions, ConnectionOwner, PooledConnection } from "../pooled-connection.ts";
import type { Timed } from "./deadlines.ts";
import { RequestEndedError, TargetError, overdue } from "./errors.ts";
import type { LatestResponseHead } from "./latest-response-head.ts";
import type { OutgoingHead } from "./request-head.ts";
import { outgoingHead } from "./request-head.ts";
import { RequestWriter } from "./request-writer.ts";
import { ResponseRelay } from "./response-relay.ts";
import type { Shared } from "./shared.ts";
import { SocketReader } from "./socket-reader.ts";
import type { Turning } from "./turns.ts";
import { WaitingTime } from "./waiting-time.ts";

/** A request, and the handler of its response. */
interface Sending {
  readonly request: RequestMessage;
  readonly head: OutgoingHead;
  readonly handler: UpstreamHandler;
}

/**
 * One open connection to a target: requests of HTTP/1.1, one at a time. Bytes that come while none is in flight close it: they
 * would be the response to a request that was not sent yet.
 */
export class ClientConnection implements PooledConnection, Timed, Turning {
  index = -1;
  readonly #socket: Socket;
  readonly #reader: SocketReader;
  readonly #host: string;
  readonly #owner: ConnectionOwner;
  readonly #shared: Shared;
  readonly #waiting = new WaitingTime();
  readonly #writer: RequestWriter;
  readonly #response: ResponseRelay;
  #sending: Sending | undefined;
  /** A part of the request may have reached the target. */
  #isBegun = false;
  #isOpen = true;
  #isReused = false;
  #isClosedByTarget = false;

  constructor(
    socket: Socket,
    { origin, maxHeaderBytes }: ConnectionOptions,
    owner: ConnectionOwner,
    shared: Shared & { readonly latest?: LatestResponseHead },
  ) {
    this.#socket = socket;
    this.#host = origin.host;
    this.#owner = owner;
    this.#shared = shared;
    this.#writer = new RequestWriter(socket, {
      onMoved: () => this.#waiting.move(),
      onError: (error) => this.#fail(error, "incomplete"),
    });
    this.#response = new ResponseRelay(maxHeaderBytes, shared.latest, {
      onPassed: () => this.#waiting.receive(),
      onComplete: () => this.#complete(),
      onSwitch: (headers) => this.#switch(headers),
      // The request fails with the socket, in a later turn: what came before the error is on its way by then.
      onInvalid: (error) => void socket.destroy(error),
      onResume: () => this.#resume(),
    });
    this.#reader = new SocketReader(
      socket,
      (bytes) => this.#onBytes(bytes),
      () => this.#response.isPassedOn,
    );
    socket.on("end", this.#onEnd).on("error", this.#onError).on("close", this.#onClose);
    // Bytes have arrived already. Close in a microtask, once the pool knows this connection.
    if (socket.read() !== null) queueMicrotask(() => this.#onUnexpectedBytes());
    // With nothing in the buffer, this lets the socket report its end.
    socket.resume();
    shared.deadlines.add(this);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get isReused(): boolean {
    return this.#isReused;
  }

  get isClosedByTarget(): boolean {
    return this.#isClosedByTarget;
  }

  /** @throws InvalidRequestError if it would be another request on the wire. Nothing is sent then. */
  send(request: RequestMessage, headers: string[], handler: UpstreamHandler): void {
    const head = outgoingHead(request, headers, this.#host);
    this.#waiting.lease();
    this.#sending = { request, head, handler };
    // A turn later, so that an end or bytes that have arrived by now are read first: a target may have closed the connection, or sent
    // a response to whatever comes next (GHSA-35p6-xmwp-9g52).
    this.#shared.turns.add(this);
  }

  onTurn(): void {
    if (!this.#isOpen) return;
    const sending = this.#sending;
    if (sending === undefined) this.#onTurnAfterResponse();
    else this.#contain(sending, () => this.#begin(sending));
  }

  abort(handler: UpstreamHandler, error: Error): void {
    if (this.#isBegun && this.#sending?.handler === handler) this.#fail(error, "incomplete");
  }

  hold(): void {
    this.#isReused = true;
    this.#waiting.lease();
  }

  release(): void {
    if (this.#isOpen) this.#owner.onFree(this);
  }

  discard(): void {
    void this.destroy();
  }

  keepIdle(): void {
    this.#isReused = true;
    this.#waiting.keep();
  }

  async destroy(): Promise<void> {
    this.#fail(new RequestEndedError("the connection was closed"), "incomplete");
    if (!this.#socket.closed) await new Promise((resolve) => this.#socket.once("close", resolve));
  }

  tick(now: number): void {
    const over = this.#waiting.check(now, {
      keepAliveMs: this.#response.keepAliveMs,
      request: this.#sending?.request,
      isClientsTurn: this.#writer.waitsForBody,
      isPaused: this.#response.isPaused,
    });
    if (over === "unused") this.discard();
    else if (over !== undefined) this.#fail(overdue(over), "timeout");
  }

  #begin(sending: Sending): void {
    const { request, head, handler } = sending;
    if (!handler.onBegin()) return this.#giveUp(handler);
    this.#isBegun = true;
    const expected = { isHead: request.method === "HEAD", maySwitch: request.upgrade !== undefined };
    this.#response.start(handler, expected);
    this.#waiting.begin(this.#shared.deadlines.now());
    this.#writer.start(head, request.body);
  }

  /** Nothing was sent: the connection is as it was. */
  #giveUp(handler: UpstreamHandler): void {
    this.#endRequest();
    handler.onError(new RequestEndedError("the request is over"), "incomplete");
    this.release();
  }

  /** @returns whether more is read. */
  #onBytes(bytes: Buffer): boolean {
    const sending = this.#sending;
    if (sending === undefined || !this.#isBegun) {
      this.#onUnexpectedBytes();
      return false;
    }
    this.#contain(sending, () => this.#response.read(bytes));
    if (this.#response.takesTurn()) this.#reader.rest(this.#shared.chunkScheduler);
    this.#reader.isMidBody = this.#response.isMidBody;
    return !this.#response.isPaused;
  }

  #onUnexpectedBytes(): void {
    this.#fail(new TargetError("TARGET_INVALID_RESPONSE", "No request asked for these bytes"), "incomplete");
  }

  #resume(): void {
    const sending = this.#sending;
    if (sending === undefined) return;
    this.#waiting.move();
    this.#contain(sending, () => this.#response.readOn());
    if (!this.#response.isPaused) this.#reader.resume();
  }

  #complete(): void {
    const sending = this.#sending;
    if (sending === undefined) return;
    const { head, handler } = sending;
    const isReusable =
      head.keepsConnection &&
      this.#writer.isSent &&
      this.#response.keepsConnection &&
      !this.#reader.isResting;
    this.#endRequest();
    handler.onEnd();
    if (!isReusable) return this.#close();
    this.#isReused = true;
    // A turn later, so that what has arrived behind the response is read before the connection gets another request.
    this.#shared.turns.add(this);
  }

  /**
   * A target that responds before it has read the whole request would take the rest for the next one (RFC 9112 §9.5). Asked only now, since
   * Node reports what the operating system took at once of an encrypted request in the turn after.
   */
  #onTurnAfterResponse(): void {
    if (this.#socket.writableLength > 0) this.#close();
    else this.#owner.onFree(this);
  }

  /** The connection is the handler's from now on. */
  #switch(headers: string[]): void {
    const socket = this.#socket;
    const handler = this.#sending?.handler;
    this.#endRequest();
    socket.off("end", this.#onEnd).off("error", this.#onError).off("close", this.#onClose);
    this.#reader.release(this.#response.takeRest());
    this.#leave();
    handler?.onUpgrade(headers, socket);
  }

  readonly #onEnd = (): void => {
    this.#isClosedByTarget = true;
    const sending = this.#sending;
    if (sending !== undefined && this.#isBegun && this.#response.endsWithConnection)
      return this.#contain(sending, () => this.#endWithConnection(sending));
    this.#fail(new TargetError("TARGET_CLOSED", "The target has closed its connection"), "incomplete");
  };

  #endWithConnection(sending: Sending): void {
    sending.handler.onRead();
    this.#complete();
  }

  readonly #onError = (error: Error): void => {
    // An error of the connection, and not of its encryption.
    if ("syscall" in error) this.#isClosedByTarget = true;
    this.#fail(error, "incomplete");
  };

  readonly #onClose = (): void => {
    this.#fail(new TargetError("TARGET_CLOSED", "The connection was closed"), "incomplete");
  };

  /** A fault in the handling of one response fails that one, and not the process with all others. */
  #contain(sending: Sending, act: () => void): void {
    try {
      act();
    } catch (fault) {
      const error = fault instanceof Error ? fault : new Error("a handler failed", { cause: fault });
      this.#fail(error, "incomplete", sending);
    }
  }

  #fail(error: Error, failure: UpstreamFailure, sending: Sending | undefined = this.#sending): void {
    this.#endRequest();
    this.#close();
    sending?.handler.onError(error, failure);
  }

  #endRequest(): void {
    this.#sending = undefined;
    this.#isBegun = false;
    this.#response.stop();
    this.#waiting.lease();
    this.#writer.stop();
  }

  #close(): void {
    this.#leave();
    this.#socket.destroy();
  }

  #leave(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#response.free();
    this.#shared.deadlines.delete(this);
    this.#owner.onClosed(this);
  }
}

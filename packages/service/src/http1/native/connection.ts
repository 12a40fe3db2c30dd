import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Indexed } from "../../collections/swap-remove-list.ts";
import type { DownstreamConnection, HttpExchange } from "../downstream.ts";
import type { ListenerOptions, Rejection } from "../listener.ts";
import type { HandOver } from "../node/listen.ts";
import { linger } from "../shared/linger.ts";
import type { PipelineBudget } from "../shared/pipeline-budget.ts";
import { REQUESTS_PER_TURN } from "../shared/pipeline-budget.ts";
import type { TimeLimits } from "./connection-times.ts";
import { ConnectionTimes } from "./connection-times.ts";
import { bypassReadBuffer } from "./direct-reads.ts";
import type { HeadOfRequest, HeadReaderOptions } from "./head-reader.ts";
import { HeadReader } from "./head-reader.ts";
import type { HeadWriter } from "./head-writer.ts";
import { LatestToken } from "./latest-token.ts";
import { NativeRequest } from "./request.ts";
import type { RequestOwner } from "./request.ts";
import { NativeResponse } from "./response.ts";
import type { ResponseOwner } from "./response.ts";
import { WaitingBytes } from "./waiting-bytes.ts";
import type { WriteSlab } from "./write-slab.ts";

/** How long an idle connection keeps its latest head and token, in milliseconds. */
const KEPT_MS = 1_000;

const CONNECT = "CONNECT ";

/** What all connections of a listener share. */
export interface Lane
  extends HeadReaderOptions, TimeLimits, Pick<ListenerOptions, "rejectionBytes" | "onError" | "onOverflow"> {
  readonly headWriter: HeadWriter;
  readonly writeSlab: WriteSlab;
  /** Of the bytes that wait for their turn. */
  readonly budget: PipelineBudget;
  readonly isClosing: boolean;
  /** Monotonic, in milliseconds. */
  clock(): number;
  handle(exchange: HttpExchange): Promise<void>;
  /** A request has begun, or it is over. */
  onBegin(): void;
  onOver(): void;
  /** The connection is closed, or Node's server has it. */
  onGone(connection: NativeConnection): void;
  /** Node's server gets the rest of a head. */
  onPartialHead(socket: Socket, since: number): void;
}

/**
 * A connection on the fast lane: it reads a head, lets the request be carried out, and reads the next head when the response was sent.
 * The first head that is not of the subset goes to Node's server, unread, and the connection with it.
 */
export class NativeConnection implements DownstreamConnection, RequestOwner, ResponseOwner, Indexed {
  index = -1;
  readonly socket: Socket;
  readonly encrypted: boolean;
  readonly headWriter: HeadWriter;
  readonly writeSlab: WriteSlab;
  readonly #lane: Lane;
  readonly #handOver: HandOver;
  readonly #times: ConnectionTimes;
  readonly #waiting: WaitingBytes;
  readonly #heads: HeadReader;
  readonly #token = new LatestToken();
  readonly #stopDirectReads: () => void;
  /** Called when the connection is closed, except by its own request and response. */
  readonly #closeListeners: (() => void)[] = [];
  /** The request that is carried out. */
  #request: NativeRequest | undefined;
  #response: NativeResponse | undefined;
  /** The promise of its handler has settled. */
  #isHandled = false;
  /** Some of the waiting bytes arrived before the previous response was sent. */
  #isPipelined = false;
  #requestsInTurn = 0;
  #isClosing = false;

  constructor(socket: Socket, lane: Lane, handOver: HandOver) {
    this.socket = socket;
    this.encrypted = socket instanceof TLSSocket;
    this.headWriter = lane.headWriter;
    this.writeSlab = lane.writeSlab;
    this.#lane = lane;
    this.#handOver = handOver;
    this.#times = new ConnectionTimes(lane.clock());
    this.#waiting = new WaitingBytes(socket, lane.budget);
    this.#heads = new HeadReader(lane);
    this.#stopDirectReads = bypassReadBuffer(socket, this.#onData);
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("drain", this.#onDrain);
    socket.on("close", this.#onClose);
    // A write to a client that has just disconnected fails; `close` reports it.
    socket.on("error", ignore);
  }

  get destroyed(): boolean {
    return this.socket.destroyed;
  }

  get remoteAddress(): string | undefined {
    return this.socket.remoteAddress;
  }

  on(_event: "close", listener: () => void): void {
    this.#closeListeners.push(listener);
  }

  off(_event: "close", listener: () => void): void {
    const at = this.#closeListeners.lastIndexOf(listener);
    if (at !== -1) this.#closeListeners.splice(at, 1);
  }

  /** Ends what takes too long. A connection after its last response ends by itself. */
  tick(now: number): void {
    if (this.#isClosing) return;
    const isInFlight = this.#response !== undefined && !this.#response.writableFinished;
    const over = this.#times.check(now, this.socket, isInFlight, this.#lane);
    if (!isInFlight && this.#times.idleMs(now) >= KEPT_MS) {
      this.#heads.forget();
      this.#token.forget();
    }
    if (over === "head") this.#refuse("request_timeout");
    else if (over === "bytes") this.socket.destroy();
  }

  digestOf(token: string, compute: (token: string) => string): string {
    return this.#lane.keepsHeads ? this.#token.digestOf(token, compute) : compute(token);
  }

  /**
   * Closes the connection if it waits for another request. A head that is awaited first, or has come in part, is still read. After its last
   * response it ends by itself.
   */
  closeIfIdle(): void {
    if (this.#request === undefined && this.#times.headSince === undefined && !this.#isClosing)
      this.socket.destroy();
  }

  pauseBody(): void {
    this.#waiting.pauseBody(true);
  }

  resumeBody(): void {
    this.#waiting.pauseBody(false);
  }

  onReceived(): void {
    this.#waiting.pauseBody(false);
    if (!this.#isClosing) this.#proceed();
  }

  onSent(): void {
    this.#times.move();
    this.#proceed();
  }

  readonly #onData = (bytes: Buffer): void => {
    this.#times.move();
    const rest = this.#request === undefined ? bytes : this.#request.take(bytes);
    if (rest === undefined || this.#isClosing) return;
    if (this.#request === undefined) this.#read(this.#waiting.takeWith(rest));
    else this.#hold(rest);
  };

  /** Reads the head of the next request, and begins that. */
  #read(bytes: Buffer): void {
    const read = this.#heads.read(bytes);
    if (read === "other lane") return this.#leave(bytes);
    if (read !== "part") return this.#begin(read, bytes);
    this.#hold(bytes);
    this.#times.beginHead(this.#lane.clock());
  }

  /** @param bytes begin with the head. */
  #begin({ head, isRepeated, length }: HeadOfRequest, bytes: Buffer): void {
    this.#times.endHead();
    this.#isPipelined = false;
    const request = new NativeRequest(head, isRepeated, this);
    const response = new NativeResponse(request, this);
    this.#request = request;
    this.#response = response;
    this.#isHandled = false;
    const next = length < bytes.length ? request.take(bytes.subarray(length)) : undefined;
    if (next !== undefined) this.#hold(next);
    if (this.socket.destroyed) return;
    this.#lane.onBegin();
    void this.#lane.handle({ request, response }).then(this.#onHandled, this.#onFault);
  }

  readonly #onHandled = (): void => {
    this.#isHandled = true;
    this.#proceed();
    // The next request has begun by now, if it has waited: the lane is not idle between the two.
    this.#lane.onOver();
  };

  readonly #onFault = (error: unknown): void => {
    this.#lane.onOver();
    this.#lane.onError(error);
    this.socket.destroy();
  };

  /** Goes on to the next request, once this one is handled, its response sent, and its body received. */
  #proceed(): void {
    const [request, response] = [this.#request, this.#response];
    if (request === undefined || response === undefined) return;
    if (!this.#isHandled || !response.writableFinished || this.socket.destroyed) return;
    if (response.closesConnection) return this.#close();
    if (!request.complete) return request.drop();
    if (this.#waiting.length === 0) this.#requestsInTurn = 0;
    else if (this.#requestsInTurn >= REQUESTS_PER_TURN) {
      this.#requestsInTurn = 0;
      // The lane is not idle while the rest waits for its turn.
      this.#lane.onBegin();
      return void setImmediate(() => {
        this.#proceed();
        this.#lane.onOver();
      });
    }
    this.#requestsInTurn += 1;
    this.#request = this.#response = undefined;
    const waiting = this.#waiting.take();
    if (waiting === undefined) return void (this.#lane.isClosing && this.socket.destroy());
    this.#isPipelined = true;
    this.#read(waiting);
    this.#waiting.updatePause();
  }

  /** Ends the connection after its last response. */
  #close(): void {
    this.#isClosing = true;
    this.#waiting.take();
    this.#stopDirectReads();
    linger(this.socket);
  }

  /** Keeps what follows the request in flight, or a part of a head. */
  #hold(bytes: Buffer): void {
    const hasRoom = this.#waiting.add(bytes);
    if (!hasRoom && !this.socket.destroyed) this.#lane.onOverflow();
    // It has no path; as in Node's server, it ends the connection at once if a request is carried out.
    const isConnect = this.#request !== undefined && this.#waiting.start === CONNECT;
    if (!hasRoom || isConnect) this.socket.destroy();
  }

  /** Lets Node's server go on, as if it had accepted the connection. */
  #leave(bytes: Buffer): void {
    const { socket } = this;
    this.#stopDirectReads();
    socket.off("data", this.#onData);
    socket.off("end", this.#onEnd);
    socket.off("drain", this.#onDrain);
    socket.off("close", this.#onClose);
    socket.off("error", ignore);
    this.#waiting.release();
    this.#lane.onGone(this);
    const { headSince } = this.#times;
    if (headSince !== undefined) this.#lane.onPartialHead(socket, headSince);
    this.#handOver(bytes, this.#isPipelined);
  }

  #refuse(rejection: Rejection): void {
    this.#times.endHead();
    this.socket.write(this.#lane.rejectionBytes(rejection));
    this.#close();
  }

  /**
   * A client that ends its side has disconnected, as for Node's server: what was written is sent, and nothing else is. If it ends within a
   * head or a body, it gets a refusal, unless a response has begun.
   */
  readonly #onEnd = (): void => {
    const [request, response] = [this.#request, this.#response];
    const isCut = request === undefined ? this.#waiting.length > 0 : !request.complete;
    if (response?.isInPieces === true) response.closeAfter();
    else if (!isCut || this.#isClosing) this.socket.end();
    else if (response?.headersSent !== true) this.#refuse("malformed");
    else if (response.writableEnded) this.socket.end();
    else this.socket.destroy();
  };

  readonly #onDrain = (): void => {
    this.#response?.drained();
  };

  readonly #onClose = (): void => {
    this.#waiting.release();
    this.#lane.onGone(this);
    this.#request?.close();
    this.#response?.close();
    for (const listener of this.#closeListeners.slice()) listener();
  };
}

function ignore(): void {}

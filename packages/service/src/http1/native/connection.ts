import type { Socket } from "node:net";
import type { Indexed } from "../../collections/swap-remove-list.ts";
import type { HttpExchange } from "../downstream.ts";
import type { ListenerOptions, Rejection } from "../listener.ts";
import type { HandOver } from "../node/listen.ts";
import { joinSmallReads } from "../shared/joined-reads.ts";
import { linger } from "../shared/linger.ts";
import type { PipelineBudget, PipelineShare } from "../shared/pipeline-budget.ts";
import { REQUESTS_PER_TURN } from "../shared/pipeline-budget.ts";
import { HeldBytes } from "./held-bytes.ts";
import type { HeadWriter } from "./head-writer.ts";
import type { RepeatedHead } from "./latest-head.ts";
import { LatestHead } from "./latest-head.ts";
import { NativeRequest } from "./request.ts";
import type { RequestOwner } from "./request.ts";
import type { FastHead } from "./request-head.ts";
import { mayBecomeFastHead, readFastHead } from "./request-head.ts";
import { NativeResponse } from "./response.ts";
import type { ResponseOwner } from "./response.ts";

/** A head in more pieces than this goes to the other lane: each piece costs as much as all before it. */
const MAX_HEAD_PIECES = 8;

/** With this many bytes waiting for their turn, a connection is not read. A head of more goes to the other lane: it would never be whole. */
const MAX_HELD_BYTES = 64 * 1024;

/** How long an idle connection keeps its latest head, in milliseconds. */
const HEAD_KEPT_MS = 1_000;

/** The end of a head. */
const END_OF_HEAD = "\r\n\r\n";

const CONNECT = "CONNECT ";

/** What all connections of a listener share. */
export interface Lane extends Pick<
  ListenerOptions,
  | "maxHeaderBytes"
  | "keepsHeads"
  | "requestHeaderTimeoutMs"
  | "keepAliveTimeoutMs"
  | "socketTimeoutMs"
  | "rejectionBytes"
  | "onError"
  | "onOverflow"
> {
  readonly headWriter: HeadWriter;
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
}

/**
 * A connection on the fast lane: it reads a head, lets the request be carried out, and reads the next head when the response was sent.
 * The first head that is not of the subset goes to Node's server, unread, and the connection with it.
 */
export class NativeConnection implements RequestOwner, ResponseOwner, Indexed {
  index = -1;
  readonly socket: Socket;
  readonly headWriter: HeadWriter;
  readonly #lane: Lane;
  readonly #handOver: HandOver;
  /** The request that is carried out. */
  #request: NativeRequest | undefined;
  #response: NativeResponse | undefined;
  /** The promise of its handler has settled. */
  #isHandled = false;
  /** Bytes that wait: the part of a head, or what follows the request that is carried out. */
  readonly #held = new HeldBytes();
  #headPieces = 0;
  #latest: LatestHead | undefined;
  /** What waits, or a part of it, came before the response to the request before it. */
  #isPipelined = false;
  #requestsInTurn = 0;
  readonly #share: PipelineShare = { waiting: 0, bytes: 0 };
  #isBodyPaused = false;
  #isPaused = false;
  #joinsReads = false;
  #isClosing = false;
  /** Node's server has it, or it is closed. */
  #isGone = false;
  /** Since when the head that is awaited may have arrived; nothing while none is overdue. */
  #headSince: number | undefined;
  /** Something has come, or a response was sent, since the latest tick. */
  #hasMoved = false;
  /** Bytes that were sent by the latest tick at which a request was in flight. */
  #sent = 0;
  #movedAt: number;

  constructor(socket: Socket, lane: Lane, handOver: HandOver) {
    this.socket = socket;
    this.headWriter = lane.headWriter;
    this.#lane = lane;
    this.#handOver = handOver;
    this.#movedAt = this.#headSince = lane.clock();
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("drain", this.#onDrain);
    socket.on("close", this.#onClose);
    // A write to a client that has just disconnected fails; `close` reports it.
    socket.on("error", ignore);
  }

  /** Ends what takes too long. */
  tick(now: number): void {
    const { requestHeaderTimeoutMs, keepAliveTimeoutMs, socketTimeoutMs } = this.#lane;
    const isInFlight = this.#response !== undefined && !this.#response.writableFinished;
    if (this.#hasMoved || (isInFlight && this.#isSending())) this.#movedAt = now;
    this.#hasMoved = false;
    if (!isInFlight && now - this.#movedAt >= HEAD_KEPT_MS) this.#latest = undefined;
    if (this.#headSince !== undefined) {
      if (now - this.#headSince >= requestHeaderTimeoutMs) this.#refuse("request_timeout");
    } else if (now - this.#movedAt >= (isInFlight ? socketTimeoutMs : keepAliveTimeoutMs))
      this.socket.destroy();
  }

  /** Whether a part of the response was sent since it was asked last. An idle connection is not asked: there may be thousands. */
  #isSending(): boolean {
    const sent = this.socket.bytesWritten - this.socket.writableLength;
    const isSending = sent !== this.#sent;
    this.#sent = sent;
    return isSending;
  }

  /** Closes the connection if it waits for another request. A head that is awaited first, or has come in part, is still read. */
  closeIfIdle(): void {
    if (this.#request === undefined && this.#headSince === undefined) this.socket.destroy();
  }

  pauseBody(): void {
    this.#isBodyPaused = true;
    this.#updatePause();
  }

  resumeBody(): void {
    this.#isBodyPaused = false;
    this.#updatePause();
  }

  onReceived(): void {
    this.#isBodyPaused = false;
    this.#updatePause();
    if (!this.#isClosing) this.#proceed();
  }

  onSent(): void {
    this.#hasMoved = true;
    this.#proceed();
  }

  readonly #onData = (bytes: Buffer): void => {
    this.#hasMoved = true;
    const rest = this.#request === undefined ? bytes : this.#request.take(bytes);
    if (rest === undefined || this.#isClosing) return;
    if (this.#request === undefined) this.#read(this.#withHeld(rest));
    else this.#hold(rest);
  };

  #withHeld(bytes: Buffer): Buffer {
    if (this.#held.length === 0) return bytes;
    const held = this.#takeHeld();
    return held === undefined ? bytes : Buffer.concat([held, bytes]);
  }

  /** Reads the head of the next request, and begins that. */
  #read(bytes: Buffer): void {
    if (this.#latest?.isAt(bytes) === true) {
      const repeated = this.#latest.repeated(readFastHead);
      if (repeated !== undefined) return this.#begin(repeated.head, repeated, bytes, this.#latest.length);
    }
    const length = bytes.indexOf(END_OF_HEAD, 0, "latin1") + END_OF_HEAD.length;
    if (length < END_OF_HEAD.length) return this.#awaitHead(bytes);
    const own = bytes.subarray(0, length);
    const head = length > this.#lane.maxHeaderBytes ? undefined : readFastHead(own);
    if (head === undefined) return this.#leave(bytes);
    if (this.#lane.keepsHeads) (this.#latest ??= new LatestHead()).keep(own);
    this.#begin(head, undefined, bytes, length);
  }

  #awaitHead(bytes: Buffer): void {
    this.#headPieces += 1;
    if (
      this.#headPieces > MAX_HEAD_PIECES ||
      bytes.length > this.#lane.maxHeaderBytes ||
      bytes.length >= MAX_HELD_BYTES ||
      !mayBecomeFastHead(bytes)
    )
      return this.#leave(bytes);
    this.#hold(bytes);
    this.#headSince ??= this.#lane.clock();
  }

  /** @param length of the head, which the bytes begin with. */
  #begin(head: FastHead, repeated: RepeatedHead | undefined, bytes: Buffer, length: number): void {
    this.#headPieces = 0;
    this.#headSince = undefined;
    this.#isPipelined = false;
    const rest = length === bytes.length ? undefined : bytes.subarray(length);
    const request = new NativeRequest(head, repeated, this);
    const response = new NativeResponse(request, this);
    this.#request = request;
    this.#response = response;
    this.#isHandled = false;
    const next = rest === undefined ? undefined : request.take(rest);
    if (next !== undefined) this.#hold(next);
    if (this.socket.destroyed) return;
    this.#lane.onBegin();
    void this.#lane.handle({ request, response }).then(this.#onHandled, this.#onFault);
  }

  readonly #onHandled = (): void => {
    this.#lane.onOver();
    this.#isHandled = true;
    this.#proceed();
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
    if (this.#held.length > 0 && this.#requestsInTurn === REQUESTS_PER_TURN) {
      this.#requestsInTurn = 0;
      return void setImmediate(() => this.#proceed());
    }
    this.#requestsInTurn += 1;
    this.#request = this.#response = undefined;
    const held = this.#takeHeld();
    if (held === undefined) return void (this.#lane.isClosing && this.socket.destroy());
    this.#isPipelined = true;
    this.#read(held);
    this.#updatePause();
  }

  /** Ends the connection after its last response. */
  #close(): void {
    this.#isClosing = true;
    this.#takeHeld();
    linger(this.socket);
  }

  /** Keeps what follows the request in flight. Reading goes on, so that a disconnect is noticed, until too much waits. */
  #hold(bytes: Buffer): void {
    const { budget, onOverflow } = this.#lane;
    const isConnect = this.#held.length === 0 && bytes.toString("latin1", 0, CONNECT.length) === CONNECT;
    this.#held.add(bytes);
    const hasRoom = budget.reserveBytes(this.#share, bytes.length);
    if (!hasRoom && !this.socket.destroyed) onOverflow();
    // It has no path; as in Node's server, it ends the connection at once.
    if (!hasRoom || isConnect) this.socket.destroy();
    else this.#updatePause();
  }

  /** The caller updates the pause, once it has used them. */
  #takeHeld(): Buffer | undefined {
    this.#lane.budget.releaseBytes(this.#share, this.#share.bytes);
    return this.#held.take();
  }

  #updatePause(): void {
    const isPaused = this.#isBodyPaused || this.#held.length >= MAX_HELD_BYTES;
    if (isPaused === this.#isPaused || this.#isGone) return;
    this.#isPaused = isPaused;
    if (!isPaused) return void this.socket.resume();
    if (!this.#joinsReads) joinSmallReads(this.socket);
    this.#joinsReads = true;
    this.socket.pause();
  }

  /** Lets Node's server go on, as if it had accepted the connection. */
  #leave(bytes: Buffer): void {
    const { socket } = this;
    socket.off("data", this.#onData);
    socket.off("end", this.#onEnd);
    socket.off("drain", this.#onDrain);
    socket.off("close", this.#onClose);
    socket.off("error", ignore);
    this.#isGone = true;
    this.#lane.onGone(this);
    this.#handOver(bytes, this.#isPipelined);
  }

  #refuse(rejection: Rejection): void {
    this.#headSince = undefined;
    this.socket.write(this.#lane.rejectionBytes(rejection));
    this.#close();
  }

  /**
   * A client that ends its side has disconnected, as for Node's server: what was written is sent, and nothing else is. If it ends within a
   * head or a body, it gets a refusal, unless a response has begun.
   */
  readonly #onEnd = (): void => {
    const [request, response] = [this.#request, this.#response];
    const isCut = request === undefined ? this.#held.length > 0 : !request.complete;
    if (!isCut || this.#isClosing) this.socket.end();
    else if (response?.headersSent !== true) this.#refuse("malformed");
    else if (response.writableEnded) this.socket.end();
    else this.socket.destroy();
  };

  readonly #onDrain = (): void => {
    this.#response?.drained();
  };

  readonly #onClose = (): void => {
    this.#isGone = true;
    this.#lane.onGone(this);
    this.#takeHeld();
    this.#request?.close();
    this.#response?.close();
  };
}

function ignore(): void {}

import type { Socket } from "node:net";
import type { buildConnector } from "undici";
import { Client } from "undici";
import type { RequestMessage, UpstreamHandler } from "../../http1/upstream.ts";
import { ConnectFailedError } from "../errors.ts";
import type {
  ConnectionOptions,
  ConnectionOwner,
  CreateConnection,
  PooledConnection,
} from "../pooled-connection.ts";
import { guardEof } from "./eof-guard.ts";
import { UndiciHandler } from "./handler.ts";
import { maskReset } from "./reset-mask.ts";
import { ResponseHeadScanner } from "./response-head-scanner.ts";

/** How long an unused connection is kept, in milliseconds: as long as undici keeps a used one. */
const UNUSED_TIMEOUT_MS = 4_000;

/**
 * One open connection to a target, with undici's HTTP/1.1 client, one request at a time. Undici's own pool binds a request to
 * a connection before it is open: the request would be signed before a wait of unknown length, and it would not be known
 * whether its connection was new.
 */
export class UndiciConnection implements PooledConnection {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #client: Client;
  readonly #handler = new UndiciHandler();
  readonly #headScanner = new ResponseHeadScanner();
  #unusedTimer: NodeJS.Timeout | undefined;
  #isAttached = false;
  #isBusy = false;
  #isOpen = true;
  #isReused = false;
  #isClosedByTarget = false;

  constructor(socket: Socket, { origin, maxHeaderBytes }: ConnectionOptions, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#owner = owner;
    guardEof(socket);
    const push = socket.push.bind(socket);
    socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (this.#headScanner.isDone || !Buffer.isBuffer(chunk) || this.#headScanner.scan(chunk))
        return push(chunk, encoding);
      socket.destroy(new Error("a CR without an LF in the head of a response"));
      return false;
    };
    // Before undici's listeners, so that this is known when undici reports the end of a request.
    socket.on("error", maskReset);
    socket.once("end", () => this.#closedByTarget());
    socket.once("error", (error) => {
      // Undici's own errors, with which it destroys a socket, have no `syscall`.
      if ("syscall" in error) this.#closedByTarget();
    });
    socket.once("close", () => {
      if (!this.#isAttached) this.#close();
    });
    this.#client = new Client(origin.serialized, {
      pipelining: 1,
      maxHeaderSize: maxHeaderBytes,
      allowH2: false,
      connect: (_target, callback) => this.#attach(callback),
    });
    this.#client.on("drain", () => this.#free());
    this.#client.on("disconnect", () => void this.destroy());
    this.#client.on("connectionError", () => void this.destroy());
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

  send(request: RequestMessage, headers: string[], handler: UpstreamHandler): void {
    const { method, path, body, responseTimeoutMs, idleTimeoutMs, upgrade } = request;
    this.#isBusy = true;
    clearTimeout(this.#unusedTimer);
    this.#handler.start(handler);
    if (upgrade !== undefined) this.#headScanner.expectUpgrade();
    this.#client.dispatch(
      {
        method,
        path,
        headers,
        body,
        headersTimeout: responseTimeoutMs,
        bodyTimeout: idleTimeoutMs,
        upgrade: upgrade ?? null,
      },
      this.#handler,
    );
  }

  abort(handler: UpstreamHandler, error: Error): void {
    this.#handler.abort(handler, error);
  }

  hold(): void {
    this.#isReused = true;
    clearTimeout(this.#unusedTimer);
  }

  release(): void {
    if (this.#isOpen) this.#owner.onFree(this);
  }

  discard(): void {
    void this.destroy();
  }

  /** Once it has carried a request, undici does the timing. */
  keepIdle(): void {
    this.#isReused = true;
    if (!this.#isAttached)
      this.#unusedTimer = setTimeout(() => void this.destroy(), UNUSED_TIMEOUT_MS).unref();
  }

  async destroy(): Promise<void> {
    this.#close();
    if (!this.#isAttached) this.#socket.destroy();
    await this.#client.destroy();
  }

  /** Undici connects again when the connection has ended, to send a request that was not begun; this must fail. */
  #attach(callback: buildConnector.Callback): void {
    // Asynchronously, since undici ignores a connection that is there at once.
    queueMicrotask(() => {
      if (this.#isAttached) return callback(new ConnectFailedError(), null);
      this.#isAttached = true;
      callback(null, this.#socket);
    });
  }

  #free(): void {
    if (!this.#isOpen || !this.#isBusy) return;
    this.#isBusy = false;
    // The target has responded before it read the whole request: the next one would wait for the rest (RFC 9112 §9.5).
    if (this.#socket.writableLength > 0) return void this.destroy();
    this.#isReused = true;
    this.#headScanner.reset();
    this.#owner.onFree(this);
  }

  #closedByTarget(): void {
    this.#isClosedByTarget = true;
    this.#close();
  }

  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    clearTimeout(this.#unusedTimer);
    this.#owner.onClosed(this);
  }
}

export const createUndiciConnection: CreateConnection = (socket, options, owner) =>
  new UndiciConnection(socket, options, owner);

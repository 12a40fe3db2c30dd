import type { Socket } from "node:net";
import type { buildConnector, Dispatcher } from "undici";
import { Client } from "undici";
import { ConnectFailedError } from "./errors.ts";
import { renameContinue } from "./interim-responses.ts";

/** How long an unused connection is kept, in milliseconds: as long as undici keeps a used one. */
const UNUSED_TIMEOUT_MS = 4_000;

export interface ConnectionOptions {
  /** Scheme, host and port, for undici. */
  readonly origin: string;
  /** How many bytes the head of a response may have. */
  readonly maxHeaderBytes: number;
}

/** What a connection reports to its pool. */
export interface ConnectionOwner {
  /** The latest request on it is over, and it can take another one. */
  onFree(connection: Connection): void;
  /** It takes no further request. Called once. */
  onClosed(connection: Connection): void;
}

/**
 * One open connection to a target, with undici's HTTP/1.1 client, one request at a time. Undici's own pool binds a request to
 * a connection before it is open: the request would be signed before a wait of unknown length, and it would not be known
 * whether its connection was new.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #client: Client;
  #unusedTimer: NodeJS.Timeout | undefined;
  #isAttached = false;
  #isBusy = false;
  /** The next bytes begin a response. */
  #isResponseNext = false;
  #isOpen = true;
  #isReused = false;
  #isClosedByTarget = false;

  constructor(socket: Socket, { origin, maxHeaderBytes }: ConnectionOptions, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#owner = owner;
    const push = socket.push.bind(socket);
    socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (this.#isResponseNext && Buffer.isBuffer(chunk)) this.#isResponseNext = renameContinue(chunk);
      return push(chunk, encoding);
    };
    // Before undici's listeners, so that this is known when undici reports the end of a request.
    socket.once("end", () => this.#closedByTarget());
    socket.once("error", (error) => {
      // Undici's own errors, with which it destroys a socket, have no `syscall`.
      if ("syscall" in error) this.#closedByTarget();
    });
    socket.once("close", () => {
      if (!this.#isAttached) this.#close();
    });
    this.#client = new Client(origin, {
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

  /** It was open before its latest request: the target may have closed it while that request was in flight. */
  get isReused(): boolean {
    return this.#isReused;
  }

  /** The target closed it: neither a limit did, nor an error in what the target sent. */
  get isClosedByTarget(): boolean {
    return this.#isClosedByTarget;
  }

  /** Sends a request, the only one at that time; undici calls `handler`. */
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#isBusy = true;
    this.#isResponseNext = true;
    clearTimeout(this.#unusedTimer);
    this.#client.dispatch(options, handler);
  }

  /** Keeps it idle for a while. Once it has carried a request, undici does the timing. */
  keepIdle(): void {
    this.#isReused = true;
    if (!this.#isAttached)
      this.#unusedTimer = setTimeout(() => void this.destroy(), UNUSED_TIMEOUT_MS).unref();
  }

  /** Ends it, and fails the request on it. Resolves when it is closed. */
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

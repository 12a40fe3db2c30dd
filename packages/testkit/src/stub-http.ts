import { EventEmitter } from "node:events";
import type {
  BodyFraming,
  DownstreamRequest,
  DownstreamResponse,
  HttpExchange,
} from "../../service/src/http1/downstream.ts";
import type { ListenHttp } from "../../service/src/http1/listener.ts";
import type {
  ConnectionWaiter,
  RequestMessage,
  UpstreamHandler,
  UpstreamLease,
  UpstreamPool,
} from "../../service/src/http1/upstream.ts";

/** A client's connection without a socket. */
export class StubConnection extends EventEmitter {
  destroyed = false;
  readonly remoteAddress: string = "127.0.0.1";

  disconnect(): void {
    this.destroyed = true;
    this.emit("close");
  }
}

export interface StubRequestHead {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: readonly string[];
}

/** A request without a body. */
class StubRequest extends EventEmitter implements DownstreamRequest {
  readonly method: string;
  readonly url: string;
  readonly httpVersion = "1.1";
  readonly rawHeaders: string[];
  readonly headers = {};
  readonly complete = true;
  readonly socket = new StubConnection();

  constructor({ method = "GET", url = "/", headers = [] }: StubRequestHead) {
    super();
    this.method = method;
    this.url = url;
    this.rawHeaders = ["Host", "membrane.test", ...headers];
  }

  pause(): void {}

  resume(): void {
    this.emit("end");
  }
}

/** A response that is recorded. Its client reads everything at once, unless it is set to read nothing. */
export class StubResponse extends EventEmitter implements DownstreamResponse {
  readonly req: StubRequest;
  status = 0;
  headers: readonly string[] = [];
  body = "";
  isAborted = false;
  headersSent = false;
  writableLength = 0;
  writableNeedDrain = false;
  writableEnded = false;
  destroyed = false;
  isReading = true;

  constructor(req: StubRequest) {
    super();
    this.req = req;
  }

  get writableFinished(): boolean {
    return this.writableEnded && this.writableLength === 0;
  }

  writeHead(status: number, _reason: string, headers: readonly string[]): void {
    this.status = status;
    this.headers = headers;
    this.headersSent = true;
  }

  flushHeaders(): void {}

  write(chunk: Buffer, callback?: () => void): boolean {
    this.body += chunk.toString("latin1");
    if (callback !== undefined) queueMicrotask(callback);
    if (this.isReading) return true;
    this.writableLength += chunk.length;
    this.writableNeedDrain = true;
    return false;
  }

  /** The client reads everything that waits, and all later data. */
  drain(): void {
    this.isReading = true;
    this.writableLength = 0;
    this.writableNeedDrain = false;
    this.emit("drain");
  }

  end(): void {
    this.writableEnded = true;
    this.emit("close");
  }

  abort(): void {
    this.isAborted = true;
    this.destroyed = true;
    this.emit("close");
  }

  respond(_framing: BodyFraming, status: number, headers: readonly string[], body: string): void {
    this.writeHead(status, "", headers);
    this.body = body;
    this.end();
  }

  closeAfter(): void {}
  closeWithUnreadBody(): void {}
  continueOnRead(): void {}
}

export function stubExchange(head: StubRequestHead = {}): HttpExchange & { readonly response: StubResponse } {
  const request = new StubRequest(head);
  return { request, response: new StubResponse(request) };
}

/** A listener without sockets: its requests are values. */
export interface StubListener {
  readonly listenHttp: ListenHttp;
  /** Resolves when the request has been handled. */
  request(head: StubRequestHead): Promise<StubResponse>;
}

export function createStubListener(): StubListener {
  let handle: Parameters<ListenHttp>[1] = async () => undefined;
  return {
    async listenHttp(_options, handler) {
      handle = handler;
      return {
        address: { address: "127.0.0.1", port: 0 },
        connections: async () => 0,
        setCertificate: () => undefined,
        close: async () => undefined,
        idle: async () => undefined,
      };
    },
    async request(head) {
      const exchange = stubExchange(head);
      await handle(exchange);
      return exchange.response;
    },
  };
}

/** A connection to a target that the test controls. It may send a request twice, as after a retry. */
export class StubLease implements UpstreamLease {
  isOpen = true;
  isReused = false;
  isClosedByTarget = false;
  isDiscarded = false;
  isHeld = false;
  isReleased = false;
  aborted: Error | undefined;
  sent: { readonly request: RequestMessage; readonly headers: readonly string[] } | undefined;
  handler: UpstreamHandler | undefined;

  send(request: RequestMessage, headers: string[], handler: UpstreamHandler): void {
    this.handler = handler;
    if (handler.onBegin()) this.sent = { request, headers };
  }

  abort(handler: UpstreamHandler, error: Error): void {
    if (handler === this.handler) this.aborted ??= error;
  }

  hold(): void {
    this.isHeld = true;
    this.isReused = true;
  }

  release(): void {
    this.isReleased = true;
  }

  discard(): void {
    this.isDiscarded = true;
  }
}

/** Leases its connections in order; a request waits if none is left. */
export class StubPool implements UpstreamPool {
  readonly waiting = new Set<ConnectionWaiter>();
  readonly #leases: StubLease[];

  constructor(...leases: StubLease[]) {
    this.#leases = leases;
  }

  acquire(waiter: ConnectionWaiter): void {
    const lease = this.#leases.shift();
    if (lease === undefined) this.waiting.add(waiter);
    else waiter.onConnection(lease);
  }

  acquireNew(waiter: ConnectionWaiter): void {
    this.acquire(waiter);
  }

  cancel(waiter: ConnectionWaiter): void {
    this.waiting.delete(waiter);
  }
}

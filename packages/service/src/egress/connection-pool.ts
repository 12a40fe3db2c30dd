import type { Socket } from "node:net";
import type { ConnectionWaiter, UpstreamPool } from "../http1/upstream.ts";
import type { Connector } from "./connector.ts";
import { ConnectFailedError } from "./errors.ts";
import type {
  ConnectionOptions,
  ConnectionOwner,
  CreateConnection,
  PooledConnection,
} from "./pooled-connection.ts";

export interface ConnectionPoolOptions extends ConnectionOptions {
  /** How many connections there may be at once, including those being opened. */
  readonly connections: number;
  readonly createConnection: CreateConnection;
}

/**
 * Opens connections while more requests wait than connections are being opened, and leases each to the request that has waited
 * longest. A failed attempt fails the request that has waited longest. If a request gives up, the newest attempt is aborted, unless as
 * many others wait. If it gets a connection that became free, the attempt goes on: its connection is there for the next request.
 */
export class ConnectionPool implements UpstreamPool, ConnectionOwner {
  readonly #options: ConnectionPoolOptions;
  readonly #connect: Connector;
  readonly #open = new Set<PooledConnection>();
  readonly #idle: PooledConnection[] = [];
  readonly #opening = new Set<AbortController>();
  readonly #waiting = new Set<ConnectionWaiter>();
  readonly #waitingForNew = new Set<ConnectionWaiter>();
  #isClosed = false;

  constructor(options: ConnectionPoolOptions, connect: Connector) {
    this.#options = options;
    this.#connect = connect;
  }

  /** No request is in flight, and none waits. */
  get isIdle(): boolean {
    return this.#open.size === this.#idle.length && this.#waiterCount === 0;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#open.size;
  }

  acquire(waiter: ConnectionWaiter): void {
    if (this.#isClosed) return waiter.onConnectError(new ConnectFailedError());
    // The most recently used one: the others may time out.
    const connection = this.#idle.pop();
    if (connection !== undefined) return waiter.onConnection(connection);
    this.#waiting.add(waiter);
    this.#openMore();
  }

  acquireNew(waiter: ConnectionWaiter): void {
    if (this.#isClosed) return waiter.onConnectError(new ConnectFailedError());
    this.#waitingForNew.add(waiter);
    this.#openMore();
  }

  cancel(waiter: ConnectionWaiter): void {
    if (!this.#waiting.delete(waiter) && !this.#waitingForNew.delete(waiter)) return;
    if (this.#opening.size <= this.#waiterCount) return;
    const attempt = Array.from(this.#opening).at(-1);
    if (attempt === undefined) return;
    this.#opening.delete(attempt);
    attempt.abort(new ConnectFailedError());
  }

  onFree(connection: PooledConnection): void {
    if (this.#waitingForNew.size > this.#opening.size) return void connection.destroy();
    this.#assign(connection, takeFirst(this.#waiting));
  }

  onClosed(connection: PooledConnection): void {
    this.#open.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
    this.#openMore();
  }

  /** Ends all connections, the requests on them, and those that wait for one. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const attempt of this.#opening) attempt.abort(new ConnectFailedError());
    this.#opening.clear();
    const closing = Array.from(this.#open, (connection) => connection.destroy());
    while (this.#waiterCount > 0) this.#failFirst(new ConnectFailedError());
    await Promise.all(closing);
  }

  get #waiterCount(): number {
    return this.#waiting.size + this.#waitingForNew.size;
  }

  #assign(connection: PooledConnection, waiter: ConnectionWaiter | undefined): void {
    if (waiter !== undefined) return waiter.onConnection(connection);
    this.#idle.push(connection);
    connection.keepIdle();
  }

  #openMore(): void {
    while (!this.#isClosed && this.#opening.size < this.#waiterCount) {
      if (this.#open.size + this.#opening.size < this.#options.connections) this.#openOne();
      else if (this.#idle.length > 0) void this.#idle.shift()?.destroy();
      else return;
    }
  }

  #openOne(): void {
    const attempt = new AbortController();
    this.#opening.add(attempt);
    this.#connect(
      this.#options.origin,
      (error, socket) => {
        if (!this.#opening.delete(attempt)) return void socket?.destroy();
        if (socket === null) {
          this.#failFirst(error);
          return this.#openMore();
        }
        this.#useSocket(socket);
      },
      attempt.signal,
    );
  }

  /** A client that cannot be made, for want of memory, is a failed attempt. */
  #useSocket(socket: Socket): void {
    let connection: PooledConnection;
    try {
      connection = this.#options.createConnection(socket, this.#options, this);
    } catch (error) {
      socket.destroy();
      this.#failFirst(new ConnectFailedError({ cause: error }));
      return this.#openMore();
    }
    this.#open.add(connection);
    this.#assign(connection, takeFirst(this.#waitingForNew) ?? takeFirst(this.#waiting));
  }

  #failFirst(error: Error): void {
    const waiter = takeFirst(this.#waitingForNew) ?? takeFirst(this.#waiting);
    waiter?.onConnectError(error);
  }
}

function takeFirst<T>(waiters: Set<T>): T | undefined {
  for (const waiter of waiters) {
    waiters.delete(waiter);
    return waiter;
  }
  return undefined;
}

import { Connection } from "./connection.ts";
import type { ConnectionOptions, ConnectionOwner } from "./connection.ts";
import type { Connector } from "./connector.ts";
import { ConnectFailedError } from "./errors.ts";

/** A request that needs a connection. The object itself identifies it while it waits. */
export interface ConnectionWaiter {
  /** The connection is the user's until the request that it dispatches at once is over. */
  onConnection(connection: Connection): void;
  /** No connection could be opened. */
  onError(error: Error): void;
}

/** The connections to one destination. */
export interface UpstreamPool {
  /** Hands over a connection: at once if one is idle, otherwise when one is free or open, first come, first served. */
  acquire(waiter: ConnectionWaiter): void;
  /** The same, with a connection that has carried no request. */
  acquireNew(waiter: ConnectionWaiter): void;
  /** The user waits no longer. */
  cancel(waiter: ConnectionWaiter): void;
}

export interface ConnectionPoolOptions extends ConnectionOptions {
  /** How many connections there may be at once, including those being opened. */
  readonly connections: number;
}

/**
 * Opens connections while more users wait than connections are being opened, and hands each to the user that has waited
 * longest. A failed attempt fails the user that has waited longest. An attempt for which no user waits any more is aborted.
 */
export class ConnectionPool implements UpstreamPool, ConnectionOwner {
  readonly #options: ConnectionPoolOptions;
  readonly #endpoint: Parameters<Connector>[0];
  readonly #connect: Connector;
  readonly #open = new Set<Connection>();
  readonly #idle: Connection[] = [];
  readonly #opening = new Set<AbortController>();
  readonly #waiting = new Set<ConnectionWaiter>();
  readonly #waitingForNew = new Set<ConnectionWaiter>();
  #isClosed = false;

  constructor(options: ConnectionPoolOptions, connect: Connector) {
    const { protocol, host, hostname, port } = new URL(options.origin);
    this.#options = options;
    this.#endpoint = { protocol, host, hostname: hostname.replace(/^\[|\]$/g, ""), port };
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
    if (this.#isClosed) return waiter.onError(new ConnectFailedError());
    // The most recently used one: the others may time out.
    const connection = this.#idle.pop();
    if (connection !== undefined) return waiter.onConnection(connection);
    this.#waiting.add(waiter);
    this.#openMore();
  }

  acquireNew(waiter: ConnectionWaiter): void {
    if (this.#isClosed) return waiter.onError(new ConnectFailedError());
    this.#waitingForNew.add(waiter);
    this.#openMore();
  }

  cancel(waiter: ConnectionWaiter): void {
    if (!this.#waiting.delete(waiter) && !this.#waitingForNew.delete(waiter)) return;
    if (this.#opening.size <= this.#waiterCount) return;
    const [attempt] = this.#opening;
    if (attempt === undefined) return;
    this.#opening.delete(attempt);
    attempt.abort(new ConnectFailedError());
  }

  onFree(connection: Connection): void {
    if (this.#waitingForNew.size > this.#opening.size) return void connection.destroy();
    this.#assign(connection, takeFirst(this.#waiting));
  }

  onClosed(connection: Connection): void {
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

  #assign(connection: Connection, user: ConnectionWaiter | undefined): void {
    if (user !== undefined) return user.onConnection(connection);
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
      this.#endpoint,
      (error, socket) => {
        if (!this.#opening.delete(attempt)) return void socket?.destroy();
        if (socket === null) {
          this.#failFirst(error);
          return this.#openMore();
        }
        const connection = new Connection(socket, this.#options, this);
        this.#open.add(connection);
        this.#assign(connection, takeFirst(this.#waitingForNew) ?? takeFirst(this.#waiting));
      },
      attempt.signal,
    );
  }

  #failFirst(error: Error): void {
    const user = takeFirst(this.#waitingForNew) ?? takeFirst(this.#waiting);
    user?.onError(error);
  }
}

function takeFirst<T>(waiters: Set<T>): T | undefined {
  for (const waiter of waiters) {
    waiters.delete(waiter);
    return waiter;
  }
  return undefined;
}

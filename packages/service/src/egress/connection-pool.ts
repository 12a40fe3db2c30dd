import { Connection } from "./connection.ts";
import type { ConnectionOptions, ConnectionOwner } from "./connection.ts";
import type { Connector } from "./connector.ts";
import { ConnectFailedError } from "./errors.ts";

/** A request that needs a connection. The object itself identifies it while it waits. */
export interface ConnectionUser {
  /** The connection is the user's until the request that it dispatches at once is over. */
  onConnection(connection: Connection): void;
  /** No connection could be opened. */
  onError(error: Error): void;
}

/** The connections to one destination. */
export interface Upstream {
  /** Hands over a connection: at once if one is idle, otherwise when one is free or open, first come, first served. */
  acquire(user: ConnectionUser): void;
  /** The same, with a connection that has carried no request. */
  acquireNew(user: ConnectionUser): void;
  /** The user waits no longer. */
  cancel(user: ConnectionUser): void;
}

export interface ConnectionPoolOptions extends ConnectionOptions {
  /** How many connections there may be at once, including those being opened. */
  readonly connections: number;
}

/**
 * Opens connections while more users wait than connections are being opened, and hands each to the user that has waited
 * longest. A failed attempt fails the user that has waited longest. An attempt for which no user waits any more is aborted.
 */
export class ConnectionPool implements Upstream, ConnectionOwner {
  readonly #options: ConnectionPoolOptions;
  readonly #endpoint: Parameters<Connector>[0];
  readonly #connect: Connector;
  readonly #open = new Set<Connection>();
  readonly #idle: Connection[] = [];
  readonly #opening = new Set<AbortController>();
  readonly #waiting = new Set<ConnectionUser>();
  readonly #waitingForNew = new Set<ConnectionUser>();
  #isClosed = false;

  constructor(options: ConnectionPoolOptions, connect: Connector) {
    const { protocol, host, hostname, port } = new URL(options.origin);
    this.#options = options;
    this.#endpoint = { protocol, host, hostname: hostname.replace(/^\[|\]$/g, ""), port };
    this.#connect = connect;
  }

  /** No request is in flight, and none waits. */
  get isIdle(): boolean {
    return this.#open.size === this.#idle.length && this.#wanted === 0;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#open.size;
  }

  acquire(user: ConnectionUser): void {
    if (this.#isClosed) return user.onError(new ConnectFailedError());
    // The most recently used one: the others may time out.
    const connection = this.#idle.pop();
    if (connection !== undefined) return user.onConnection(connection);
    this.#waiting.add(user);
    this.#openMore();
  }

  acquireNew(user: ConnectionUser): void {
    if (this.#isClosed) return user.onError(new ConnectFailedError());
    this.#waitingForNew.add(user);
    this.#openMore();
  }

  cancel(user: ConnectionUser): void {
    if (!this.#waiting.delete(user) && !this.#waitingForNew.delete(user)) return;
    if (this.#opening.size <= this.#wanted) return;
    const [attempt] = this.#opening;
    if (attempt === undefined) return;
    this.#opening.delete(attempt);
    attempt.abort(new ConnectFailedError());
  }

  freed(connection: Connection): void {
    if (this.#waitingForNew.size > this.#opening.size) return void connection.destroy();
    this.#hand(connection, takeFirst(this.#waiting));
  }

  closed(connection: Connection): void {
    this.#open.delete(connection);
    const place = this.#idle.indexOf(connection);
    if (place !== -1) this.#idle.splice(place, 1);
    this.#openMore();
  }

  /** Ends all connections, the requests on them, and those that wait for one. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const attempt of this.#opening) attempt.abort(new ConnectFailedError());
    this.#opening.clear();
    const closing = Array.from(this.#open, (connection) => connection.destroy());
    while (this.#wanted > 0) this.#failFirst(new ConnectFailedError());
    await Promise.all(closing);
  }

  get #wanted(): number {
    return this.#waiting.size + this.#waitingForNew.size;
  }

  #hand(connection: Connection, user: ConnectionUser | undefined): void {
    if (user !== undefined) return user.onConnection(connection);
    this.#idle.push(connection);
    connection.rest();
  }

  #openMore(): void {
    while (!this.#isClosed && this.#opening.size < this.#wanted) {
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
        this.#hand(connection, takeFirst(this.#waitingForNew) ?? takeFirst(this.#waiting));
      },
      attempt.signal,
    );
  }

  #failFirst(error: Error): void {
    const user = takeFirst(this.#waitingForNew) ?? takeFirst(this.#waiting);
    user?.onError(error);
  }
}

function takeFirst<T>(users: Set<T>): T | undefined {
  for (const user of users) {
    users.delete(user);
    return user;
  }
  return undefined;
}

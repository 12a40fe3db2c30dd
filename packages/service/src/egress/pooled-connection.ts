import type { Socket } from "node:net";
import type { TargetOrigin } from "capability-protocol";
import type { UpstreamLease } from "../http1/upstream.ts";

export interface ConnectionOptions {
  readonly origin: TargetOrigin;
  /** How many bytes the head of a response may have. */
  readonly maxHeaderBytes: number;
}

/** What a connection reports to its pool. */
export interface ConnectionOwner {
  /** The latest request on it is over, and it can take another one. */
  onFree(connection: PooledConnection): void;
  /** It takes no further request. Called once. */
  onClosed(connection: PooledConnection): void;
}

/** A connection as its pool sees it. */
export interface PooledConnection extends UpstreamLease {
  /** Keeps it idle for a while. */
  keepIdle(): void;
  /** Ends it, and fails the request on it. Resolves when it is closed. */
  destroy(): Promise<void>;
}

/** Makes an HTTP/1.1 client of a connected socket: the one place where the client's implementation is chosen. */
export type CreateConnection = (
  socket: Socket,
  options: ConnectionOptions,
  owner: ConnectionOwner,
) => PooledConnection;

import type { ConnectionOwner, CreateConnection } from "../pooled-connection.ts";
import { ClientConnection } from "./connection.ts";
import { LatestResponseHead } from "./latest-response-head.ts";
import { createShared } from "./shared.ts";

/** Makes the client of each connection. @param clock monotonic, in milliseconds. */
export function createClientConnections(clock: () => number): CreateConnection {
  const shared = createShared(clock);
  /** One for each pool: the connections of a pool have the same target, and are of the same tenant. */
  const latestHeads = new WeakMap<ConnectionOwner, LatestResponseHead>();
  return (socket, options, owner) => {
    const latest = latestHeads.get(owner) ?? new LatestResponseHead();
    latestHeads.set(owner, latest);
    return new ClientConnection(socket, options, owner, { ...shared, latest });
  };
}

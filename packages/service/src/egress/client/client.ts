import type { ConnectionOwner, CreateConnection } from "../pooled-connection.ts";
import { ClientConnection } from "./connection.ts";
import { LatestResponseHead } from "./latest-response-head.ts";
import type { Shared } from "./shared.ts";

/**
 * Makes the client of each connection.
 *
 * @param keepsHeads whether a response whose head repeats uses again what was read of it.
 */
export function createClientConnections(shared: Shared, keepsHeads: boolean): CreateConnection {
  /** One for each pool: the connections of a pool have the same target, and are of the same tenant. */
  const latestHeads = new WeakMap<ConnectionOwner, LatestResponseHead>();
  const latestOf = (owner: ConnectionOwner): LatestResponseHead => {
    const latest = latestHeads.get(owner) ?? new LatestResponseHead();
    latestHeads.set(owner, latest);
    return latest;
  };
  return (socket, options, owner) =>
    new ClientConnection(socket, options, owner, {
      ...shared,
      ...(keepsHeads && { latest: latestOf(owner) }),
    });
}

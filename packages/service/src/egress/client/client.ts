import type { CreateConnection } from "../pooled-connection.ts";
import { ClientConnection } from "./connection.ts";
import { createShared } from "./shared.ts";

/** Makes the client of each connection. @param clock monotonic, in milliseconds. */
export function createClientConnections(clock: () => number): CreateConnection {
  const shared = createShared(clock);
  return (socket, options, owner) => new ClientConnection(socket, options, owner, shared);
}

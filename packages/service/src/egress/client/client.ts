import { createChunkScheduler } from "../../collections/chunk-scheduler.ts";
import type { CreateConnection } from "../pooled-connection.ts";
import { ClientConnection } from "./connection.ts";
import { Deadlines } from "./deadlines.ts";
import { Turns } from "./turns.ts";

/**
 * Makes the client of each connection. They share one timer, one immediate in each turn of the event loop,
 * and turns for responses in many chunks.
 *
 * @param clock monotonic, in milliseconds.
 */
export function createClientConnections(clock: () => number): CreateConnection {
  const shared = {
    deadlines: new Deadlines(clock),
    turns: new Turns(),
    chunkScheduler: createChunkScheduler(),
  };
  return (socket, options, owner) => new ClientConnection(socket, options, owner, shared);
}

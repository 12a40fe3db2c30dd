import { createClientConnections } from "../egress/client/client.ts";
import type { CreateConnection } from "../egress/pooled-connection.ts";
import { createUndiciConnection } from "../egress/undici/connection.ts";
import type { UpstreamClient } from "./options.ts";

/** Makes the HTTP/1.1 clients of connections to targets. @param monotonic a clock in milliseconds, for their timeouts. */
export function createUpstreamClient(name: UpstreamClient, monotonic: () => number): CreateConnection {
  switch (name) {
    case "native":
      return createClientConnections(monotonic);
    case "undici":
      return createUndiciConnection;
  }
}

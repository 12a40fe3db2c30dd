import { createClientConnections } from "../egress/client/client.ts";
import { createShared } from "../egress/client/shared.ts";
import type { CreateConnection } from "../egress/pooled-connection.ts";
import { createUndiciConnection } from "../egress/undici/connection.ts";
import { sharedLlhttp } from "../http1/llhttp/instance.ts";
import type { UpstreamClient } from "./options.ts";

/**
 * Makes the HTTP/1.1 clients of connections to targets.
 *
 * @param monotonic a clock in milliseconds, for their timeouts.
 * @param keepsHeads whether a response whose head repeats uses again what was read of it; undici keeps none.
 * @throws {UnknownLlhttpError} if the service's own client is asked for and llhttp is another one than it was tested with.
 */
export function createUpstreamClient(
  name: UpstreamClient,
  monotonic: () => number,
  keepsHeads: boolean,
): CreateConnection {
  switch (name) {
    case "native":
      // Here, so that it refuses the start, and not each request.
      sharedLlhttp();
      return createClientConnections(createShared(monotonic), keepsHeads);
    case "undici":
      return createUndiciConnection;
  }
}

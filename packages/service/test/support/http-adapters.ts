import { keepsHeadsInRun } from "../../../testkit/src/upstream-client.ts";
import type { CreateConnection } from "../../src/egress/pooled-connection.ts";
import { createClientConnections } from "../../src/egress/client/client.ts";
import { createShared } from "../../src/egress/client/shared.ts";
import { createUndiciConnection } from "../../src/egress/undici/connection.ts";
import type { ListenHttp } from "../../src/http1/listener.ts";
import { listenNative } from "../../src/http1/native/listen.ts";
import { listenOnNode } from "../../src/http1/node/listen.ts";

/** All listener adapters. Each must pass the conformance suite of requests. */
export const LISTENERS: readonly { readonly adapter: string; readonly listenHttp: ListenHttp }[] = [
  { adapter: "node:http", listenHttp: listenOnNode },
  { adapter: "two lanes", listenHttp: listenNative },
];

/** All upstream adapters. Each must pass the conformance suite of responses. */
export const UPSTREAM_CLIENTS: readonly {
  readonly adapter: string;
  readonly createConnection: CreateConnection;
}[] = [
  {
    adapter: "native",
    createConnection: createClientConnections(
      createShared(() => performance.now()),
      keepsHeadsInRun(),
    ),
  },
  { adapter: "undici", createConnection: createUndiciConnection },
];

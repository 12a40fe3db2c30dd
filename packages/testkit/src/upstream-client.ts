import { UPSTREAM_CLIENTS } from "../../service/src/config.ts";
import type { CreateConnection } from "../../service/src/egress/pooled-connection.ts";
import type { UpstreamClient } from "../../service/src/service/options.ts";
import { createUpstreamClient } from "../../service/src/service/upstream-client.ts";

/**
 * Returns the HTTP client for targets in the variable of its flag, with which whole suites can run: services that a test starts as
 * processes read the variable themselves. Default: that of the flag.
 */
export function upstreamClientOfRun(): UpstreamClient {
  const name = process.env["MEMBRANE_UPSTREAM_CLIENT"] ?? "native";
  const client = UPSTREAM_CLIENTS.find((known) => known === name);
  if (client === undefined)
    throw new Error(`MEMBRANE_UPSTREAM_CLIENT: expected one of ${UPSTREAM_CLIENTS.join(", ")}`);
  return client;
}

/** Whether this run keeps heads that repeat. */
export function keepsHeadsInRun(): boolean {
  return process.env["MEMBRANE_HEAD_MEMO"] !== "false";
}

/** Makes clients of that name, for a pool without a service. */
export function clientOfRun(): CreateConnection {
  return createUpstreamClient(upstreamClientOfRun(), () => performance.now(), keepsHeadsInRun());
}

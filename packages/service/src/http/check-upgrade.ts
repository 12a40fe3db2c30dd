import { err } from "capability-protocol";
import type { Outcome } from "../domain/denial.ts";
import { invalid } from "../domain/denial.ts";
import type { DownstreamResponse } from "../http1/downstream.ts";
import type { Resolution } from "../invocation/resolve.ts";
import type { WebSocketHandshake } from "../invocation/websocket/handshake.ts";
import { readHandshake } from "../invocation/websocket/handshake.ts";
import type { ReadHead } from "./read-head.ts";

/** Checks a request that asks for another protocol: it must be a whole WebSocket handshake, with a capability for a target. */
export function checkUpgrade(
  head: ReadHead,
  { capability }: Pick<Resolution, "capability">,
  response: DownstreamResponse,
): Outcome<WebSocketHandshake> {
  if (head.upgrade !== "websocket" || capability.kind !== "invoke")
    return err({ reason: "upgrade_not_supported" });
  const handshake = readHandshake(head);
  if (!handshake.ok) {
    const { error } = handshake;
    if (error.kind === "version") return err({ reason: "websocket_version_not_supported" });
    return err({ reason: "invalid_field", problem: error.problem });
  }
  // The handshake is valid, but another request is in flight on this connection.
  if (response.switchProtocols === undefined)
    return invalid("connection", "no other request before a WebSocket handshake is complete");
  return handshake;
}

import { err, ok } from "capability-protocol";
import type { DownstreamResponse } from "../../http1/downstream.ts";
import type { ExchangeContext, SwitchProtocols, UpstreamRequest } from "../exchange-context.ts";
import type { PreparedTarget } from "../prepared-target.ts";
import type { Authenticated } from "../resolve.ts";
import type { WebSocketHandshake } from "./handshake.ts";
import { buildSwitchHead } from "./switch-head.ts";
import { Tunnel } from "./tunnel.ts";

export interface WebSocketContext extends ExchangeContext {
  /** How long neither side of a WebSocket may send a byte, in milliseconds. */
  readonly webSocketIdleTimeoutMs: number;
}

export interface SwitchParts extends Authenticated {
  readonly target: PreparedTarget;
  readonly response: DownstreamResponse;
  readonly handshake: WebSocketHandshake;
}

/** Adds to a request what makes it the client's handshake with the target. */
export function askForWebSocket(
  context: WebSocketContext,
  request: UpstreamRequest,
  parts: SwitchParts,
): UpstreamRequest {
  return { ...request, upgrade: "websocket", switchProtocols: createSwitch(context, parts) };
}

/** Checks the target's 101, sends the client's own, and connects the two. */
function createSwitch(context: WebSocketContext, parts: SwitchParts): SwitchProtocols {
  const { resolution, inFlight, target, response, handshake } = parts;
  const configuresProtocols = target.headerNames.has("sec-websocket-protocol");
  return (headers, stream, startedAt) => {
    const head = buildSwitchHead(headers, handshake, configuresProtocols);
    if (!head.ok) return head;
    const client = response.switchProtocols?.(head.value);
    if (client === undefined) return err({ reason: "upgrade_not_supported" });
    const tunnel = new Tunnel(
      { client, target: stream, inFlight, accounts: resolution.accounts },
      {
        startedAt,
        idleTimeoutMs: context.webSocketIdleTimeoutMs,
        maxClientBytes: resolution.compiledLimits?.maxBodyBytes ?? Infinity,
      },
      context,
    );
    return ok(tunnel.ended);
  };
}

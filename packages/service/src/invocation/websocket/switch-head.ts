import { err, isFieldValue, ok } from "capability-protocol";
import type { Outcome } from "../../domain/denial.ts";
import { listOf, valuesOf } from "../raw-headers.ts";
import type { WebSocketHandshake } from "./handshake.ts";
import { extensionsOf, hasUpgradeOption } from "./handshake.ts";

const INVALID = err({ reason: "invalid_target_response" });

/**
 * Makes the header lines of the client's 101 from those of the target's: what the two must agree on, and nothing else.
 *
 * @param configuresProtocols the target's configuration names subprotocols, in place of the client's: what it chooses of them is
 *   not for the client.
 * @returns a refusal if a client must refuse the target's 101 (RFC 6455 §4.1): it is not a proof that a WebSocket server has read this
 *   handshake, or it chooses what was not offered.
 */
export function buildSwitchHead(
  rawHeaders: readonly string[],
  { accept, protocols, extensions }: WebSocketHandshake,
  configuresProtocols: boolean,
): Outcome<string[]> {
  const upgrades = listOf(rawHeaders, "upgrade");
  if (upgrades.length !== 1 || upgrades[0]?.toLowerCase() !== "websocket") return INVALID;
  if (!hasUpgradeOption(rawHeaders)) return INVALID;
  const accepts = valuesOf(rawHeaders, "sec-websocket-accept");
  if (accepts.length !== 1 || accepts[0] !== accept) return INVALID;
  const headers = ["Upgrade", "websocket", "Connection", "Upgrade", "Sec-WebSocket-Accept", accept];

  const chosen = valuesOf(rawHeaders, "sec-websocket-protocol");
  const [protocol] = chosen;
  if (chosen.length > 1) return INVALID;
  if (protocol !== undefined && protocols.has(protocol)) headers.push("Sec-WebSocket-Protocol", protocol);
  else if (protocol !== undefined && !configuresProtocols) return INVALID;

  if (!extensionsOf(rawHeaders).every((name) => extensions.has(name))) return INVALID;
  for (const value of valuesOf(rawHeaders, "sec-websocket-extensions")) {
    // Node throws for any other when it is written.
    if (!isFieldValue(value)) return INVALID;
    headers.push("Sec-WebSocket-Extensions", value);
  }
  return ok(headers);
}

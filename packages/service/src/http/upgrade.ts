import type { HandshakeHead } from "../http1/listener.ts";
import { readHandshake } from "../invocation/websocket/handshake.ts";
import { readFraming } from "./framing.ts";
import type { HeadFields } from "./head-fields.ts";
import { collectFields } from "./head-fields.ts";

/** Another protocol that a client asks for, and without which its request cannot be served. */
export type Upgrade = "websocket" | "other";

/** Reads what a request asks for. HTTP/1.0 has no `Upgrade` (RFC 9110 §7.8). */
export function readUpgrade({ upgrade }: Pick<HeadFields, "upgrade">, version: string): Upgrade | undefined {
  if (version !== "1.1" || upgrade === undefined) return undefined;
  const protocols = upgrade.split(",").map((protocol) => protocol.trim().toLowerCase());
  // Plain-text HTTP/2 is only an offer: Java's client and `curl --http2` continue with HTTP/1.1.
  if (protocols.every((protocol) => protocol === "h2c")) return undefined;
  return protocols.length === 1 && protocols[0] === "websocket" ? "websocket" : "other";
}

/**
 * Whether a request is a WebSocket handshake, after which its connection carries another protocol. Called before the request is
 * handled; a head that `readHead` refuses may be one.
 */
export function isHandshake({ method = "", httpVersion, rawHeaders }: HandshakeHead): boolean {
  const fields = collectFields(rawHeaders);
  if (readUpgrade(fields, httpVersion) !== "websocket") return false;
  const body = readFraming(fields, httpVersion);
  return body !== undefined && readHandshake({ method, rawHeaders, body }).ok;
}

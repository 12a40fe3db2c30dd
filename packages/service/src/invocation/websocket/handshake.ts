import { hash } from "node:crypto";
import type { Problem, Result } from "capability-protocol";
import { err, ok } from "capability-protocol";
import { listOf, valuesOf } from "../raw-headers.ts";
import type { RequestHead } from "../request-head.ts";

/** The only version of the protocol (RFC 6455 §4.1). */
export const WEBSOCKET_VERSION = "13";

/** What of a client's handshake the target's response must fit. */
export interface WebSocketHandshake {
  /** The `Sec-WebSocket-Accept` that proves that the target has read this handshake. */
  readonly accept: string;
  /** The subprotocols that the client offers. */
  readonly protocols: ReadonlySet<string>;
  /** The names of the extensions that the client offers, in lower case. */
  readonly extensions: ReadonlySet<string>;
}

/** Why a handshake is refused: a field is wrong (400), or the version is another one (426). */
export type HandshakeRefusal =
  | { readonly kind: "invalid"; readonly problem: Problem }
  | { readonly kind: "version" };

/** A nonce of 16 bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/** Reads a request that asks for WebSocket (RFC 6455 §4.2.1). A body or an expectation makes no sense in it. */
export function readHandshake(
  head: Pick<RequestHead, "method" | "rawHeaders" | "body">,
): Result<WebSocketHandshake, HandshakeRefusal> {
  const { rawHeaders } = head;
  if (head.method !== "GET") return invalid("method", "GET in a WebSocket handshake");
  if (head.body.kind !== "none") return invalid("body", "none in a WebSocket handshake");
  if (valuesOf(rawHeaders, "expect").length > 0) return invalid("Expect", "nothing in a WebSocket handshake");
  if (!hasUpgradeOption(rawHeaders)) return invalid("Connection", "Upgrade in a WebSocket handshake");
  const versions = valuesOf(rawHeaders, "sec-websocket-version");
  if (versions.length !== 1 || versions[0] !== WEBSOCKET_VERSION) return err({ kind: "version" });
  const keys = valuesOf(rawHeaders, "sec-websocket-key");
  const [key = ""] = keys;
  if (keys.length !== 1 || !KEY.test(key)) return invalid("Sec-WebSocket-Key", "16 bytes in base64, once");
  return ok({
    accept: acceptOf(key),
    protocols: new Set(listOf(rawHeaders, "sec-websocket-protocol")),
    extensions: new Set(extensionsOf(rawHeaders)),
  });
}

export function hasUpgradeOption(rawHeaders: readonly string[]): boolean {
  return listOf(rawHeaders, "connection").some((option) => option.toLowerCase() === "upgrade");
}

/** The names in `Sec-WebSocket-Extensions`. A comma in a quoted parameter makes a further name, which no target chooses. */
export function extensionsOf(rawHeaders: readonly string[]): readonly string[] {
  return listOf(rawHeaders, "sec-websocket-extensions").map((extension) => {
    const [name = ""] = extension.split(";", 1);
    return name.trim().toLowerCase();
  });
}

/** RFC 6455 §1.3. */
const ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

function acceptOf(key: string): string {
  return hash("sha1", key + ACCEPT_SUFFIX, "base64");
}

function invalid(field: string, expected: string): Result<never, HandshakeRefusal> {
  return err({ kind: "invalid", problem: { field, expected } });
}

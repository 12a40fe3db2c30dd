import { err, ok } from "capability-protocol";
import { expect, test } from "vitest";
import { buildSwitchHead } from "./switch-head.ts";

const HANDSHAKE = { accept: "ACCEPT", protocols: new Set(["one", "two"]), extensions: new Set(["deflate"]) };
const LINES = ["upgrade", "WebSocket", "connection", "x, Upgrade", "sec-websocket-accept", "ACCEPT"];
const HEAD = ["Upgrade", "websocket", "Connection", "Upgrade", "Sec-WebSocket-Accept", "ACCEPT"];
const REFUSED = err({ reason: "invalid_target_response" });

const build = (configuresProtocols: boolean, ...lines: readonly string[]) =>
  buildSwitchHead([...LINES, ...lines], HANDSHAKE, configuresProtocols);

test("what the target chooses of the client's offers passes", () => {
  const chosen = ["Sec-WebSocket-Protocol", "two", "Sec-WebSocket-Extensions", "deflate; a=1"];
  expect(build(false, ...chosen)).toEqual(ok([...HEAD, ...chosen]));
  expect(build(false)).toEqual(ok(HEAD));
});

test("a subprotocol that only the target's configuration offers is not for the client", () => {
  expect(build(true, "Sec-WebSocket-Protocol", "configured")).toEqual(ok(HEAD));
  expect(build(false, "Sec-WebSocket-Protocol", "configured")).toEqual(REFUSED);
  expect(build(true, "Sec-WebSocket-Protocol", "two")).toEqual(
    ok([...HEAD, "Sec-WebSocket-Protocol", "two"]),
  );
});

test("names of subprotocols are compared with their case", () => {
  expect(build(false, "Sec-WebSocket-Protocol", "TWO")).toEqual(REFUSED);
});

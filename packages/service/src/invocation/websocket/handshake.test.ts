import { err } from "capability-protocol";
import { expect, test } from "vitest";
import { extensionsOf, readHandshake } from "./handshake.ts";

const head = (...rawHeaders: readonly string[]) => ({
  method: "GET",
  body: { kind: "none" } as const,
  rawHeaders: ["Connection", "keep-alive, UPGRADE", "Sec-WebSocket-Version", "13", ...rawHeaders],
});

test("the handshake of RFC 6455 §1.3 has the accept value of RFC 6455 §1.3", () => {
  const read = readHandshake(
    head(
      "Sec-WebSocket-Key",
      "dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Protocol",
      "chat, superchat",
      "sec-websocket-protocol",
      "third",
    ),
  );
  expect(read).toMatchObject({
    ok: true,
    value: {
      accept: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
      protocols: new Set(["chat", "superchat", "third"]),
      extensions: new Set(),
    },
  });
});

test("the names of extensions are read without their parameters, in lower case", () => {
  const value = 'Permessage-Deflate; client_max_window_bits; a="x, y" , other';
  expect(extensionsOf(["Sec-WebSocket-Extensions", value])).toEqual(["permessage-deflate", 'y"', "other"]);
});

test.each([
  ["", "no key"],
  ["dGhlIHNhbXBsZSBub25jZQ=", "one = only"],
  ["dGhlIHNhbXBsZSBub25jZQ===", "three ="],
  [" dGhlIHNhbXBsZSBub25jZQ==", "a space"],
])("the key %j is refused: %s", (key) => {
  expect(readHandshake(head("Sec-WebSocket-Key", key))).toEqual(
    err({
      kind: "invalid",
      problem: { field: "Sec-WebSocket-Key", expected: "16 bytes in base64, once" },
    }),
  );
});

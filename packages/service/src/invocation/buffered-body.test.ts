import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { bufferBody } from "./buffered-body.ts";
import { ClientDisconnectedError, ClientTooSlowError } from "./request-body.ts";

/** Begins to hold a body of which a part has come. */
async function hold() {
  const body = new Readable({ read() {} });
  let reserved = 0;
  const held = bufferBody(body, {
    limit: 1_000_000,
    tooLarge: { reason: "body_too_large", limit: 1_000_000 },
    share: {
      reserve(bytes) {
        reserved += bytes;
        return undefined;
      },
      release: (bytes) => void (reserved -= bytes),
    },
  });
  body.push("a part");
  await expect.poll(() => reserved).toBeGreaterThan(0);
  return { body, held, reserved: () => reserved };
}

test("a fault while a body is read is reported as such, and its memory is given back", async () => {
  const { body, held, reserved } = await hold();
  body.destroy(new Error("a fault of the service"));
  await expect(held).rejects.toThrow("a fault of the service");
  expect(reserved()).toBe(0);
});

test("a client that leaves while its body is read is no fault, and one that is too slow is refused", async () => {
  const left = await hold();
  left.body.destroy(new ClientDisconnectedError("it has left"));
  expect(await left.held).toEqual({ ok: false, error: { kind: "client_disconnected" } });
  const slow = await hold();
  slow.body.destroy(new ClientTooSlowError("it is slow"));
  expect(await slow.held).toMatchObject({
    error: { kind: "refused", denial: { reason: "request_timeout" } },
  });
  expect([left.reserved(), slow.reserved()]).toEqual([0, 0]);
});

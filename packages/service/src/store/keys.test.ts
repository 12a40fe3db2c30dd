import { createHmac, hkdfSync, randomBytes } from "node:crypto";
import { formatToken, TOKEN_BYTES } from "capability-protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createServiceKeys, SERVICE_KEY_BYTES } from "./keys.ts";

const serviceKey = fc.uint8Array({ minLength: SERVICE_KEY_BYTES, maxLength: SERVICE_KEY_BYTES });
const tokenBytes = fc.uint8Array({ minLength: TOKEN_BYTES, maxLength: TOKEN_BYTES });

test("a token turns into HMAC-SHA-512 over a label and its 64 bytes: lookup id, then sealing key", () => {
  fc.assert(
    fc.property(serviceKey, tokenBytes, (key, bytes) => {
      const expected = createHmac("sha512", key)
        .update(Buffer.concat([Buffer.from("capability/1", "ascii"), bytes]))
        .digest("hex");
      const { lookupId, sealingKey } = createServiceKeys(key).deriveTokenKeys(formatToken(bytes));
      expect(lookupId.toString("hex") + sealingKey.toString("hex")).toBe(expected);
      expect([lookupId.length, sealingKey.length]).toEqual([32, 32]);
    }),
  );
});

test("the derivation is a fixed one: stores of years ago open with it", () => {
  const keys = createServiceKeys(Uint8Array.from({ length: 32 }, (_, i) => i));
  const token = formatToken(Uint8Array.from({ length: 64 }, (_, i) => 255 - i));
  const { lookupId, sealingKey } = keys.deriveTokenKeys(token);
  expect(lookupId.toString("hex")).toBe("5d15209b1d674a0d108bc09d478a242683ae0694e103bc2673cb1d9d26d6ace4");
  expect(sealingKey.toString("hex")).toBe("59c9a296efcbf3cf3984c1382ea2cd0cf42b7500786b2066f98bb6626442eb09");
  expect(keys.checkValue.toString("hex")).toBe(
    "bb83436c69a68057411d9b1a3244dcdc7a60a9443bb15e30bada2053ec61c515",
  );
  expect(keys.rowMac(Buffer.from("row")).toString("hex")).toBe(
    "f68706f53eeffc016e4f30045c2773a7d1251cef8752781781d1595dfc763087",
  );
});

test("the keys of one token say nothing of another's, nor of the same token's under another service key", () => {
  const keys = createServiceKeys(randomBytes(32));
  const other = createServiceKeys(randomBytes(32));
  const token = formatToken(randomBytes(TOKEN_BYTES));
  const seen = [
    keys.deriveTokenKeys(token),
    other.deriveTokenKeys(token),
    keys.deriveTokenKeys(formatToken(randomBytes(TOKEN_BYTES))),
  ].flatMap(({ lookupId, sealingKey }) => [lookupId.toString("hex"), sealingKey.toString("hex")]);
  expect(new Set(seen).size).toBe(seen.length);
});

test("a row's MAC holds for that row, that service key and all of its bytes", () => {
  const keys = createServiceKeys(randomBytes(32));
  const row = Buffer.from("a row");
  const mac = keys.rowMac(row);
  expect(keys.verifyRowMac(row, mac)).toBe(true);
  expect(createServiceKeys(randomBytes(32)).verifyRowMac(row, mac)).toBe(false);
  expect(keys.verifyRowMac(Buffer.from("a roW"), mac)).toBe(false);
  for (let bit = 0; bit < mac.length * 8; bit += 1) {
    const changed = Buffer.from(mac);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    expect(keys.verifyRowMac(row, changed)).toBe(false);
  }
  for (let length = 0; length < mac.length; length += 1) {
    expect(keys.verifyRowMac(row, mac.subarray(0, length))).toBe(false);
  }
  expect(keys.verifyRowMac(row, Buffer.concat([mac, Buffer.alloc(1)]))).toBe(false);
});

test("the check value, which is in the store, is neither the service key nor the key of the MACs", () => {
  const key = randomBytes(32);
  const keys = createServiceKeys(key);
  const row = Buffer.from("row");
  expect(keys.checkValue.equals(key)).toBe(false);
  for (const guess of [key, keys.checkValue]) {
    expect(keys.verifyRowMac(row, createHmac("sha256", guess).update(row).digest())).toBe(false);
  }
  expect(keys.checkValue.equals(Buffer.from(hkdfSync("sha256", key, "", "row mac/1", 32)))).toBe(false);
});

test.each([0, 16, 31, 33, 64])("a service key of %i bytes is refused", (length) => {
  expect(() => createServiceKeys(randomBytes(length))).toThrow(RangeError);
});

import fc from "fast-check";
import { formatToken, parseAuthority, readTargetUri } from "capability-protocol";
import type { HmacConfiguration } from "capability-protocol";
import { expect, test } from "vitest";
import type { TargetContent } from "../../domain/target.ts";
import { StoreCorruptError } from "../store.ts";
import { decodeColumns, encodeColumns, textColumn } from "./columns.ts";
import { decodeTargetPayload, encodeTargetPayload } from "./target-payload.ts";

const text = fc.string({ unit: "grapheme" });

const hmac: fc.Arbitrary<HmacConfiguration> = fc.oneof(
  fc.record(
    {
      scheme: fc.constant("aws4-hmac-sha256" as const),
      awsAccessKeyId: text,
      region: text,
      service: text,
      secretAccessKey: text,
      sessionToken: text,
    },
    { requiredKeys: ["scheme", "awsAccessKeyId", "region", "service", "secretAccessKey"] },
  ),
  fc.record({ scheme: fc.constant("cap1-hmac-sha512" as const), key: text, keyId: text }),
);

const configured = fc
  .record(
    {
      uri: fc.webUrl({ withQueryParameters: true }).map((written) => readTargetUri(written)!),
      method: text,
      headers: fc.array(fc.tuple(text, text)),
      allowQuery: fc.boolean(),
      timeoutMs: fc.maxSafeNat(),
      hmac,
      tls: fc.record(
        { ca: text, cert: text, key: text, rejectUnauthorized: fc.boolean() },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: ["uri", "headers", "allowQuery"] },
  )
  .map((configuration) => ({ kind: "configured", configuration }) as const);

const federated = fc.uint8Array({ minLength: 64, maxLength: 64 }).map(
  (bytes) =>
    ({
      kind: "federated",
      capability: { authority: parseAuthority("other.test")!, token: formatToken(bytes) },
    }) as const,
);

const content: fc.Arbitrary<TargetContent> = fc.oneof(configured, federated);

test("what is read is what was written, absent and empty fields distinguished, whatever the rules for exports are", () => {
  fc.assert(
    fc.property(content, (written) => {
      expect(decodeTargetPayload(encodeTargetPayload(written))).toEqual(written);
    }),
  );
});

const FULL: TargetContent = {
  kind: "configured",
  configuration: {
    uri: readTargetUri("https://example.com/")!,
    headers: [["A", "b"]],
    allowQuery: false,
    hmac: { scheme: "cap1-hmac-sha512", key: "key", keyId: "id" },
    tls: { ca: "ca" },
  },
};

/** Positions of the columns that hold columns. */
const HMAC = 6;
const TLS = 7;

test.each<[string, (columns: Buffer[]) => readonly Buffer[]]>([
  ["a column more", (columns) => [...columns, textColumn("")]],
  ["an unknown kind", ([, ...rest]) => [textColumn("socket"), ...rest]],
  [
    "a field more of its credentials",
    (columns) => columns.with(HMAC, encodeColumns([...decodeColumns(columns[HMAC]!), textColumn("x")])),
  ],
  ["an unknown scheme", (columns) => columns.with(HMAC, encodeColumns([textColumn("hmac-md5")]))],
  [
    "an unknown field of TLS",
    (columns) => columns.with(TLS, encodeColumns([...decodeColumns(columns[TLS]!), textColumn("x")])),
  ],
])("a payload with %s was written by a newer program", (_name, change) => {
  const columns = decodeColumns(encodeTargetPayload(FULL));
  expect(decodeTargetPayload(encodeColumns(columns))).toEqual(FULL);
  expect(decodeTargetPayload(encodeColumns(change(columns)))).toBe(undefined);
});

test("a payload that ends early is none", () => {
  const columns = decodeColumns(encodeTargetPayload(FULL));
  for (let length = 0; length < columns.length; length += 1) {
    const payload = encodeColumns(columns.slice(0, length));
    expect(() => decodeTargetPayload(payload)).toThrow(StoreCorruptError);
  }
});

import fc from "fast-check";
import { formatToken, parseAuthority, readTargetUri } from "capability-protocol";
import type { HmacConfiguration, Openings } from "capability-protocol";
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
      allowPath: fc.constant(true as const),
      allowQuery: fc.oneof(fc.boolean(), fc.array(text)),
      allowHeaders: fc.array(text),
      encodedSlash: fc.constant(true as const),
      emptySegments: fc.constant(true as const),
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
      const { payload, version } = encodeTargetPayload(written);
      expect(decodeTargetPayload(payload, version)).toEqual(written);
    }),
  );
});

test("a target gets the oldest version that can hold it, so that an older program serves it", () => {
  const { allowPath: _, ...plain } = FULL.configuration;
  const versionOf = (openings: Partial<Openings>): number =>
    encodeTargetPayload({ kind: "configured", configuration: { ...plain, ...openings } }).version;
  const capability = { authority: parseAuthority("other.test")!, token: formatToken(new Uint8Array(64)) };
  expect(encodeTargetPayload({ kind: "federated", capability }).version).toBe(2);
  expect([versionOf({ allowQuery: false }), versionOf({ allowQuery: true })]).toEqual([2, 2]);
  for (const openings of [{ allowPath: true }, { allowQuery: ["a"] }, { allowHeaders: ["x-a"] }] as const)
    expect(versionOf(openings)).toBe(3);
});

const FULL = {
  kind: "configured",
  configuration: {
    uri: readTargetUri("https://example.com/")!,
    headers: [["A", "b"]],
    allowPath: true,
    allowQuery: false,
    hmac: { scheme: "cap1-hmac-sha512", key: "key", keyId: "id" },
    tls: { ca: "ca" },
  },
} satisfies TargetContent;

const PAYLOAD = encodeTargetPayload(FULL).payload;

function decode(columns: readonly Buffer[]): TargetContent | undefined {
  return decodeTargetPayload(encodeColumns(columns), 3);
}

/** Positions of the columns that hold columns. */
const HMAC = 6;
const TLS = 7;
const OPENINGS = 8;

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
  [
    "an unknown opening",
    (columns) =>
      columns.with(OPENINGS, encodeColumns([...decodeColumns(columns[OPENINGS]!), textColumn("x")])),
  ],
])("a payload with %s was written by a newer program", (_name, change) => {
  const columns = decodeColumns(PAYLOAD);
  expect(decode(columns)).toEqual(FULL);
  expect(decode(change(columns))).toBe(undefined);
});

test("a payload that ends early is none", () => {
  const columns = decodeColumns(PAYLOAD);
  for (let length = 0; length < columns.length; length += 1)
    expect(() => decode(columns.slice(0, length))).toThrow(StoreCorruptError);
});

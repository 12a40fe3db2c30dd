import fc from "fast-check";
import type { HeaderLimit, Limits, ListedValue, QueryLimit } from "capability-protocol";
import { expect, test } from "vitest";
import type { LimitedNode } from "../../domain/limits.ts";
import { parseUid } from "../../domain/uid.ts";
import { StoreCorruptError } from "../store.ts";
import type { CapabilityPayload } from "./capability-payload.ts";
import { decodeCapabilityPayload, encodeCapabilityPayload } from "./capability-payload.ts";
import { decodeColumns, encodeColumns, textColumn } from "./columns.ts";

const text = fc.string({ unit: "grapheme", maxLength: 8 });
const texts = fc.array(text, { maxLength: 3 });
const number = fc.maxSafeNat();

/** Names with values of one kind, or with any value. */
function names<T>(value: fc.Arbitrary<T>): fc.Arbitrary<ReadonlyMap<string, "any" | readonly T[]>> {
  const values = fc.oneof(fc.constant("any" as const), fc.array(value, { maxLength: 3 }));
  return fc.array(fc.tuple(text, values), { maxLength: 3 }).map((entries) => new Map(entries));
}

const listedValue: fc.Arbitrary<ListedValue> = fc.oneof(text, fc.record({ startsWith: text }));
const request = {
  methods: texts,
  paths: texts,
  query: names(listedValue) satisfies fc.Arbitrary<QueryLimit>,
  headers: names(text) satisfies fc.Arbitrary<HeaderLimit>,
};
const limits: fc.Arbitrary<Limits> = fc.record(
  {
    expiresAt: number,
    notBefore: number,
    maxUses: number,
    maxUsesEveryMs: number,
    ...request,
    requests: fc.array(fc.record(request, { requiredKeys: [] }), { maxLength: 3 }),
    maxBodyBytes: number,
    clientCidrs: texts,
    delegable: fc.constant(false as const),
  },
  { requiredKeys: [] },
);
const uid = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => parseUid(Buffer.from(bytes).toString("hex")));
const node: fc.Arbitrary<LimitedNode> = fc.record({ uid, createdAt: number, limits });
const payload: fc.Arbitrary<CapabilityPayload> = fc.record(
  {
    secret: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
    label: text,
    limits: fc.array(node, { maxLength: 3 }),
  },
  { requiredKeys: ["secret", "limits"] },
);

test("what is read is what was written, absent and empty limits distinguished", () => {
  fc.assert(
    fc.property(payload, (written) => {
      expect(decodeCapabilityPayload(encodeCapabilityPayload(written))).toEqual(written);
    }),
  );
});

const NODE: LimitedNode = {
  uid: parseUid("a".repeat(32)),
  createdAt: 1,
  limits: {
    query: new Map([["prefix", [{ startsWith: "p/" }]]]),
    headers: new Map([["x", ["1"]]]),
    requests: [{ query: new Map([["a", ["b"]]]) }],
  },
};
const PAYLOAD = encodeCapabilityPayload({ secret: Buffer.from([7]), label: "l", limits: [NODE] });

/** Returns a copy with one more column at every place in turn where columns are. */
function extended(bytes: Buffer, depth = 16): Buffer[] {
  const columns = readColumns(bytes);
  if (columns === undefined || depth === 0) return [];
  const inner = columns.flatMap((column, at) =>
    extended(column, depth - 1).map((changed) => encodeColumns(columns.with(at, changed))),
  );
  return [encodeColumns([...columns, textColumn("more")]), ...inner];
}

function readColumns(bytes: Buffer): Buffer[] | undefined {
  try {
    return bytes.length < 4 ? undefined : decodeColumns(bytes);
  } catch {
    return undefined;
  }
}

test("a column more, wherever there is one, is not ignored: a newer program wrote it, or it is an entry of a list", () => {
  const written = decodeCapabilityPayload(PAYLOAD);
  const copies = extended(PAYLOAD);
  expect(copies.length).toBeGreaterThan(20);
  for (const changed of copies) expect(read(changed)).not.toEqual(written);
});

function read(bytes: Buffer): CapabilityPayload | "damaged" | undefined {
  try {
    return decodeCapabilityPayload(bytes);
  } catch {
    return "damaged";
  }
}

test("a value of a query that is compared in an unknown way is not ignored", () => {
  const unknown = Buffer.from(PAYLOAD.toString("latin1").replace("^p/", "$p/"), "latin1");
  expect(decodeCapabilityPayload(unknown)).toBeUndefined();
});

test("a payload with too few columns is damaged", () => {
  const columns = decodeColumns(PAYLOAD);
  expect(() => decodeCapabilityPayload(encodeColumns(columns.slice(0, -1)))).toThrow(StoreCorruptError);
});

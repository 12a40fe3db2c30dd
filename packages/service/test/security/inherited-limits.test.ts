import { afterAll, beforeAll, expect, test } from "vitest";
import { parseToken } from "capability-protocol";
import type { Limits } from "capability-protocol";
import { call, createMembrane, expectStatus, tokenOf, uriOf } from "../../../testkit/src/client.ts";
import { openRawStore } from "../../../testkit/src/store-access.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { numberColumn } from "../../src/store/codec/columns.ts";

const URI = "https://canary.test/";

let service: TestService;
/** Two membranes, of different tenants. */
let own: { readonly export: string };
let other: { readonly export: string };

beforeAll(async () => {
  service = await startTestService();
  const second = expectStatus(await call(service, service.tokens.provision, { body: { id: "second" } }), 201);
  own = await createMembrane(service, service.tokens.create, "own");
  other = await createMembrane(service, tokenOf(second.json.capabilities.create), "other");
});

afterAll(() => service.close());

async function exportFrom(through: { readonly export: string }, body: object): Promise<string> {
  return tokenOf(expectStatus(await call(service, through.export, { body }), 201).json.capability);
}

async function open(token: string) {
  return (await service.data.vault.open(parseToken(token)!))!;
}

test("a re-export carries its own limits and those of all that it re-exports, in that order, each with whose it is", async () => {
  const first = await exportFrom(own, { uri: URI, limits: { ttlMs: 4_000_000 } });
  const plain = await exportFrom(other, { capability: uriOf(service, first) });
  const narrowed = await exportFrom(own, {
    capability: uriOf(service, plain),
    limits: { ttlMs: 9_000_000, delegable: false },
  });
  const [ofFirst, ofPlain, ofNarrowed] = [await open(first), await open(plain), await open(narrowed)];
  expect(ofFirst.limits).toMatchObject([
    { uid: ofFirst.capability.uid, limits: { expiresAt: expect.any(Number) } },
  ]);
  expect(ofPlain.limits).toEqual(ofFirst.limits);
  expect(ofNarrowed.limits).toMatchObject([
    { uid: ofNarrowed.capability.uid, limits: { delegable: false } },
    ...ofFirst.limits,
  ]);
  // The first of all ends it, though its own end is later.
  expect(ofNarrowed.expiresAt).toBe(ofFirst.limits[0]!.limits.expiresAt);
});

test("a capability made for a target carries no limits of the export capability that made it", async () => {
  const exporting = await exportFrom(other, {
    capability: uriOf(service, own.export),
    limits: { ttlMs: 4_000_000 },
  });
  const made = await open(await exportFrom({ export: exporting }, { uri: URI }));
  expect(made.limits).toEqual([]);
  // It still ends with that one, since it was made with it.
  expect(made.expiresAt).toBe((await open(exporting)).expiresAt);
});

test("what is not delegable is re-exported through no membrane, and neither is what was re-exported with this limit", async () => {
  const capability = uriOf(service, await exportFrom(own, { uri: URI, limits: { delegable: false } }));
  for (const through of [own, other])
    expect(await call(service, through.export, { body: { capability } })).toMatchObject({
      status: 400,
      json: { code: "not_delegable" },
    });
  const original = await exportFrom(own, { uri: URI });
  const last = await exportFrom(other, {
    capability: uriOf(service, original),
    limits: { delegable: false },
  });
  const again = await call(service, own.export, { body: { capability: uriOf(service, last) } });
  expect(again).toMatchObject({ status: 400, json: { code: "not_delegable" } });
  await exportFrom(other, { capability: uriOf(service, original) });
});

test("limits that are too long with all that are inherited are refused, and a re-export without limits is not", async () => {
  const paths = Array.from({ length: 64 }, (_, i) => `/${i}/${"a".repeat(440)}`);
  const first = await exportFrom(own, { uri: URI, allowPath: true, limits: { paths } });
  const second = await exportFrom(own, { capability: uriOf(service, first), limits: { paths } });
  const capability = uriOf(service, second);
  expect(await call(service, own.export, { body: { capability, limits: { paths } } })).toMatchObject({
    status: 400,
    json: { code: "invalid_field", message: expect.stringMatching(/^limits: expected /) },
  });
  await exportFrom(own, { capability });
});

/** Every limit whose text is found nowhere else. */
const CANARIES = {
  methods: ["PROPFIND"],
  paths: ["/canary-path-4c/**"],
  query: new Map([["canary-key-77", ["canary-value-0b", { startsWith: "canary-start-91" }]]]),
  headers: new Map([["x-canary-name-1f", ["canary-header-2e"]]]),
  requests: [{ paths: ["/canary-alternative-c8"] }],
  clientCidrs: ["203.0.113.77/32"],
  notBefore: Date.parse("2089-04-05T06:07:08.091Z"),
} as const satisfies Limits;

test("of limits and labels the store shows nothing but when a capability ends, and the log nothing", async () => {
  const { vault, store } = service.data;
  const [label, expiresAt] = ["label-canary-5d10", Date.parse("2091-03-04T05:06:07.089Z")];
  const parent = await open(await exportFrom(own, { uri: URI }));
  const { kind, resource, membrane, createdBy, uid } = parent.capability;
  const rights = { kind, resource: resource!, membrane: membrane!, createdBy: createdBy!, parent: uid };
  const { record, token } = vault.mint(rights, parent.payload, {
    label,
    own: { createdAt: 0, limits: { ...CANARIES, expiresAt } },
  });
  expect(await store.create([record])).toMatchObject({ ok: true });
  const child = await open(await exportFrom(other, { capability: uriOf(service, token) }));
  expect(child.limits).toMatchObject([{ limits: { ...CANARIES, expiresAt } }]);

  await using raw = await openRawStore(service.directory);
  const rows = await raw.rows();
  const time = numberColumn(expiresAt);
  const holders = rows.filter(({ key, value }) => key.includes(time) || value.includes(time));
  // The record, and the row by which a sweep finds it.
  expect(holders.map(({ table }) => table).toSorted()).toEqual(["nodes", "sweep"]);
  for (const { key } of holders) expect(key.toString("hex").endsWith(record.uid)).toBe(true);
  const isFound = (secret: string | Buffer): boolean =>
    rows.some(({ key, value }) => key.includes(secret) || value.includes(secret));
  const secrets = JSON.stringify([...CANARIES.query, ...CANARIES.headers, CANARIES]).match(
    /[\w-]*canary[\w-]*/g,
  )!;
  expect(secrets).toHaveLength(7);
  for (const secret of [...secrets, "PROPFIND", "203.0.113.77", numberColumn(CANARIES.notBefore), label])
    expect({ secret, isFound: isFound(secret) }).toEqual({ secret, isFound: false });
  for (const secret of [...secrets, label]) expect(service.logged()).not.toContain(secret);
});

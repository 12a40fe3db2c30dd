import { expect, test } from "vitest";
import { parseUid } from "../../src/domain/uid.ts";
import { createRevocationFeed } from "../../src/store/revocation-feed.ts";
import { StoreCorruptError } from "../../src/store/store.ts";
import type { Cacheable } from "../../src/store/resolution-cache.ts";
import { createResolutionCache } from "../../src/store/resolution-cache.ts";
import { call, createMembrane, exportThrough, expectStatus } from "../../../testkit/src/client.ts";
import { lineageOver } from "../../../testkit/src/lineage.ts";
import { openRawLmdb } from "../../../testkit/src/raw-lmdb.ts";
import type { RawRecord, RawStore, TableName } from "../../../testkit/src/raw-store.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";

/* The log of LMDB: that of a database has no MAC, since the database itself changes it. */

const HEAD = Buffer.from("log head");
const LINEAGE = lineageOver(parseUid("ab".repeat(16)));

/** Makes a cache with the resolution of one capability that is not revoked, and `revokes` unread entries in the log. */
async function cacheBehind(service: TestService, revokes: number) {
  const { store } = service.data;
  const feed = await createRevocationFeed(store);
  const cache = createResolutionCache<Cacheable>(feed, { entries: 10, bytes: 1_000 }, () => 0);
  cache.put("kept", { lineage: LINEAGE, bytes: 1, cacheOwner: "t" }, feed.position());
  for (let i = 0; i < revokes; i += 1) {
    const membrane = await createMembrane(service, service.tokens.create, `m${i}`);
    expectStatus(await call(service, membrane.revoke, { method: "POST" }), 202);
  }
  return { feed, cache };
}

function flipped(value: Buffer, byte: number): Buffer {
  const copy = Buffer.from(value);
  copy[byte]! ^= 1;
  return copy;
}

async function onlyRow(raw: RawStore, table: TableName, key: Buffer): Promise<RawRecord> {
  return (await raw.rows(table)).find((row) => row.key.equals(key))!;
}

test("revokes of other membranes do not drop a resolution", async () => {
  await using service = await startTestService();
  const { feed, cache } = await cacheBehind(service, 3);
  await feed.refresh();
  expect(cache.get("kept")).toBeDefined();
});

test.each([0, 1, 2])("when entry %i of the log is missing, every resolution is dropped", async (index) => {
  await using service = await startTestService();
  await using raw = await openRawLmdb(service.directory);
  const { feed, cache } = await cacheBehind(service, 3);
  await raw.write("log", (await raw.rows("log"))[index]!.key, undefined);
  await feed.refresh();
  expect(cache.get("kept")).toBeUndefined();
});

test("when an entry of the log was changed, no request is served, and no resolution is used after the repair before the log was read", async () => {
  await using service = await startTestService();
  await using raw = await openRawLmdb(service.directory);
  const { feed } = await cacheBehind(service, 2);
  const [first, second] = await raw.rows("log");
  for (let byte = 0; byte < first!.value.length; byte += 1) {
    await raw.write("log", first!.key, flipped(first!.value, byte));
    await expect((async () => feed.refresh())(), `byte ${byte}`).rejects.toThrow(StoreCorruptError);
  }
  await raw.write("log", first!.key, second!.value);
  await raw.write("log", second!.key, first!.value);
  await expect((async () => feed.refresh())()).rejects.toThrow(StoreCorruptError);
});

test("when the head of the log goes back or names another log, every resolution is dropped", async () => {
  await using other = await startTestService();
  await using service = await startTestService();
  await using raw = await openRawLmdb(service.directory);
  const old = await onlyRow(raw, "meta", HEAD);
  const first = await cacheBehind(service, 1);
  await first.feed.refresh();
  expect(first.cache.get("kept")).toBeDefined();
  await raw.write("meta", HEAD, old.value);
  await first.feed.refresh();
  expect(first.cache.get("kept")).toBeUndefined();

  // The same sequence number of another log, as after a restore.
  await service.data.store.refresh();
  await other.data.store.refresh();
  const feed = await createRevocationFeed({
    position: (() => {
      const positions = [service.data.store.position(), other.data.store.position()];
      return () => positions.shift() ?? other.data.store.position();
    })(),
    positionMaxAgeMs: 0,
    revocationsSince: (position) => other.data.store.revocationsSince(position),
    refresh: () => other.data.store.refresh(),
  });
  const cache = createResolutionCache<Cacheable>(feed, { entries: 10, bytes: 1_000 }, () => 0);
  cache.put("kept", { lineage: LINEAGE, bytes: 1, cacheOwner: "t" }, feed.position());
  await feed.refresh();
  expect(cache.get("kept")).toBeUndefined();
});

test("over HTTP a damaged or missing head of the log is a 500 without details for every token, also for cached ones", async () => {
  await using target = await startTarget();
  await using service = await startTestService();
  await using raw = await openRawLmdb(service.directory);
  const membrane = await createMembrane(service, service.tokens.create, "m");
  const exported = await exportThrough(service, membrane.export, { uri: `${target.url}canary-path` });
  expectStatus(await call(service, exported), 200);
  const head = await onlyRow(raw, "meta", HEAD);
  const damages = [...head.value.keys()].map((byte) => flipped(head.value, byte));
  for (const value of [...damages, Buffer.alloc(0), head.value.subarray(0, -1), undefined]) {
    await raw.write("meta", HEAD, value);
    for (const token of [exported, membrane.revoke, service.tokens.query, service.tokens.create]) {
      const response = await call(service, token, { method: "DELETE" });
      expect(response).toMatchObject({
        status: 500,
        json: { code: "internal_error", error: "Internal Server Error" },
      });
      expect(response.text).not.toMatch(/head|log of|CPBLTY|canary|membrane/);
    }
  }
  expect(target.requests).toHaveLength(1);
  await raw.write("meta", HEAD, head.value);
  expectStatus(await call(service, exported), 200);
  expect(service.logged()).not.toMatch(/CPBLTY1-|canary/);
});

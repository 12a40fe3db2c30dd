import { randomBytes } from "node:crypto";
import type { CapabilityToken } from "capability-protocol";
import { formatToken, parseToken } from "capability-protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DataDirectory } from "../../src/commands/data-directory.ts";
import type { Uid } from "../../src/domain/uid.ts";
import { parseUid } from "../../src/domain/uid.ts";
import { decodeColumns } from "../../src/store/codec/columns.ts";
import { createAuthenticatedTable } from "../../src/store/lmdb/authenticated-table.ts";
import { StoreCorruptError } from "../../src/store/store.ts";
import { UnsealError } from "../../src/store/seal.ts";
import { openTestData } from "../../../testkit/src/data-directory.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { createFullStore } from "../../../testkit/src/full-store.ts";
import type { RawRecord, RawStore, TableName } from "../../../testkit/src/raw-store.ts";
import { openRawStore } from "../../../testkit/src/store-access.ts";
import { startTestService } from "../../../testkit/src/service.ts";

const MAC_BYTES = 32;

/** One store for all tests here; each change is undone before the next. */
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let data: DataDirectory;
let raw: RawStore;
let holders: readonly Holder[];
let before: ReadonlyMap<string, Buffer>;

/** A token, what it opened before any change, and the records that it depends on. */
interface Holder {
  readonly name: string;
  readonly token: CapabilityToken;
  readonly opens: string;
  readonly lookupId: string;
  readonly lineage: ReadonlySet<Uid>;
}

const DEAD = "dead";

beforeAll(async () => {
  directory = await temporaryDirectory();
  const service = await startTestService({ directory: directory.path });
  const { tokens } = await createFullStore(service, 9);
  await service.close();
  // Without a service there is no sweeper, so the descendants of the revoked membrane stay.
  data = await openTestData(directory.path);
  raw = await openRawStore(directory.path);
  const all = Object.entries(tokens).map(([name, text]) => ({ name, token: parseToken(text)! }));
  const lineages = await Promise.all(
    all.map(async ({ token }) => new Set((await data.vault.open(token))!.lineage)),
  );
  const revoking = await data.vault.open(parseToken(tokens["beta revoke"])!);
  await data.store.revoke(revoking!.capability.resource!, revoking!.capability.uid);
  before = new Map((await raw.rows()).map((row) => [idOf(row), row.value]));
  holders = await Promise.all(
    all.map(async ({ name, token }, index) => ({
      name,
      token,
      lookupId: data.keys.deriveTokenKeys(token).lookupId.toString("hex"),
      opens: await opened(token),
      lineage: lineages[index]!,
    })),
  );
});

afterAll(async () => {
  await raw[Symbol.asyncDispose]();
  await data.store.close();
  await directory[Symbol.asyncDispose]();
});

/** Returns what a token opens, or that it is revoked or unreadable, which a client sees as 401 and 500. */
async function opened(token: CapabilityToken): Promise<string> {
  try {
    const found = await data.vault.open(token);
    if (found === undefined) return DEAD;
    const { capability, payload, target, limits } = found;
    return JSON.stringify([capability, payload.toString("hex"), target?.content, limits]);
  } catch (error) {
    if (error instanceof StoreCorruptError || error instanceof UnsealError) return "unreadable";
    throw error;
  }
}

/** Changes rows, calls `look`, and restores the rows. */
async function withRows<T>(changes: readonly Change[], look: () => Promise<T>): Promise<T> {
  for (const { table, key, value } of changes) await raw.write(table, key, value);
  try {
    return await look();
  } finally {
    for (const { table, key } of changes) await raw.write(table, key, before.get(idOf({ table, key })));
  }
}

type Change = Pick<RawRecord, "table" | "key"> & { readonly value: Buffer | undefined };

function idOf({ table, key }: Pick<RawRecord, "table" | "key">): string {
  return `${table} ${key.toString("hex")}`;
}

/** Changes rows of a table, and expects that tokens that depend on them no longer work and all others open the same. */
async function expectClosed(
  changes: readonly Change[],
  touched: readonly RawRecord[],
  what: string,
  looked: "all" | "touched" = "all",
): Promise<void> {
  const isClosed = (holder: Holder): boolean =>
    holder.opens === DEAD || touched.some((row) => restsOn(holder, row));
  await withRows(changes, async () => {
    for (const holder of holders) {
      if (looked === "touched" && !isClosed(holder)) continue;
      const now = await opened(holder.token);
      const where = `${what}: ${holder.name}`;
      if (isClosed(holder)) {
        expect([DEAD, "unreadable"], where).toContain(now);
      } else {
        expect(now, where).toBe(holder.opens);
      }
    }
  });
}

function restsOn(holder: Holder, { table, key }: RawRecord): boolean {
  if (table === "lookups") return holder.lookupId === key.toString("hex");
  if (table === "meta") return key.toString() === "log head";
  return table === "nodes" && holder.lineage.has(parseUid(key.toString("hex")));
}

function flipped(value: Buffer, byte: number, bit: number): Buffer {
  const copy = Buffer.from(value);
  copy[byte]! ^= 1 << bit;
  return copy;
}

/** Returns where every column of a row, with its length, and the row's MAC begin and end. */
function placesIn(value: Buffer): number[] {
  const places: number[] = [];
  let at = 0;
  for (const column of decodeColumns(value.subarray(0, -MAC_BYTES))) {
    places.push(at + 3);
    if (column.length > 0) places.push(at + 4, at + 3 + column.length);
    at += 4 + column.length;
  }
  return [...new Set([...places, at, value.length - 1])];
}

test("all descendants of the revoked membrane except its revoke capability are dead, although their rows exist", async () => {
  const dead = holders.filter(({ opens }) => opens === DEAD).map(({ name }) => name);
  expect(dead).toEqual([
    "beta export",
    "beta plain",
    "beta of gamma of plain",
    "beta of gamma limited plain",
    "delegated beta export",
  ]);
  expect(await raw.rows("lookups")).toHaveLength(holders.length);
});

const READ_TABLES: readonly TableName[] = ["nodes", "lookups", "names", "meta"];

test.each(READ_TABLES)(
  "after a change of one bit in any column of any row of %s, tokens that depend on it open nothing",
  async (table) => {
    for (const row of await raw.rows(table)) {
      for (const place of placesIn(row.value)) {
        const value = flipped(row.value, place, place % 8);
        await expectClosed([{ ...row, value }], [row], `${idOf(row)}, byte ${place}`, "touched");
      }
    }
  },
);

test("the state of a membrane and of a tenant is under the MAC: it can be changed neither to revoked nor to alive", async () => {
  const states = (await raw.rows("nodes")).flatMap((row) => {
    const columns = decodeColumns(row.value.subarray(0, -MAC_BYTES));
    const type = columns[1]?.toString();
    if (type !== "membrane" && type !== "tenant") return [];
    const index = type === "membrane" ? 4 : 3;
    const start = columns.slice(0, index).reduce((sum, column) => sum + 4 + column.length, 4);
    return [{ row, start, revoked: columns[index]?.[0] }];
  });
  expect(states.map(({ revoked }) => String(revoked)).toSorted((a, b) => a.localeCompare(b))).toEqual([
    ..."00001",
  ]);
  for (const { row, start } of states) {
    for (const value of [0, 1, 2, 3, 128, 129, 254, 255]) {
      if (row.value[start] === value) continue;
      const changed = Buffer.from(row.value);
      changed[start] = value;
      await expectClosed([{ ...row, value: changed }], [row], `${idOf(row)} state ${value}`);
    }
  }
});

test.each(READ_TABLES)("truncated, extended or empty rows of %s open nothing", async (table) => {
  for (const row of await raw.rows(table)) {
    const values = [
      Buffer.alloc(0),
      row.value.subarray(0, -MAC_BYTES),
      row.value.subarray(-MAC_BYTES),
      Buffer.concat([Buffer.alloc(4), row.value]),
    ];
    for (const [index, value] of values.entries()) {
      await expectClosed([{ ...row, value }], [row], `${idOf(row)}, form ${index}`, "touched");
    }
  }
});

test.each(READ_TABLES)("two rows of %s with swapped values open nothing", async (table) => {
  const rows = await raw.rows(table);
  const kindOf = ({ value }: RawRecord): string =>
    decodeColumns(value.subarray(0, -MAC_BYTES)).slice(1, 3).join(" ");
  for (const [index, row] of rows.entries()) {
    const later = rows.slice(index + 1);
    const partners = new Set([later[0], later.find((other) => kindOf(other) === kindOf(row))]);
    for (const other of partners) {
      if (other === undefined) continue;
      const swap = [
        { ...row, value: other.value },
        { ...other, value: row.value },
      ];
      await expectClosed(swap, [row, other], `${idOf(row)} with ${idOf(other)}`);
    }
  }
});

test.each(READ_TABLES)(
  "after a row of %s is deleted, tokens that depend on it open nothing, and nothing revoked works again",
  async (table) => {
    for (const row of await raw.rows(table)) {
      await expectClosed([{ ...row, value: undefined }], [row], `${idOf(row)} deleted`);
    }
  },
);

test("a row of lookups that was moved to another token's key does not give that token the right", async () => {
  for (const row of await raw.rows("lookups")) {
    const pretender = formatToken(randomBytes(64));
    const key = data.keys.deriveTokenKeys(pretender).lookupId;
    await withRows([{ ...row, key }], async () => expect(await opened(pretender)).toBe("unreadable"));
    const moved = [
      { ...row, value: undefined },
      { ...row, key },
    ];
    await expectClosed(moved, [row], `${idOf(row)} moved`);
  }
});

test("a row of names that was changed or moved is not listed, neither with another name nor for another tenant", async () => {
  const tenants = await data.store.tenants();
  const list = async (): Promise<string[]> => {
    const pages = await Promise.all(
      tenants.map(({ uid }) => Promise.resolve(data.store.membranes(uid, { limit: 100 }))),
    );
    return pages.flatMap(({ membranes }, index) => membranes.map(({ name }) => `${index} ${name}`));
  };
  const all = await list();
  const rows = await raw.rows("names");
  for (const row of rows) {
    const ownRange = withRows([{ ...row, value: flipped(row.value, 5, 0) }], () =>
      Promise.all([list(), data.store.tenants()]),
    );
    await expect(ownRange, idOf(row)).rejects.toThrow(StoreCorruptError);
    for (const tenant of tenants) {
      const key = Buffer.concat([Buffer.from(tenant.uid, "hex"), Buffer.from("new name")]);
      await expect(withRows([{ ...row, key }], list), idOf(row)).rejects.toThrow(StoreCorruptError);
    }
    const left = await withRows([{ ...row, value: undefined }], list);
    expect(all).toEqual(expect.arrayContaining(left));
  }
});

test("a row is bound to its table: the same key and value in another table are refused", async () => {
  const [row] = await raw.rows("names");
  const value = row!.value;
  const held = { getBinary: () => value } as unknown as Parameters<typeof createAuthenticatedTable>[1];
  expect(createAuthenticatedTable("names", held, data.keys).get(row!.key)).toHaveLength(1);
  for (const table of ["nodes", "lookups", "children", "log", "sweep", "meta"]) {
    expect(() => createAuthenticatedTable(table, held, data.keys).get(row!.key)).toThrow(StoreCorruptError);
  }
});

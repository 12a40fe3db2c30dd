import { cp } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { formatToken, parseToken, tokenBytes } from "capability-protocol";
import type { CapabilityToken } from "capability-protocol";
import { expect, test } from "vitest";
import { parseUid } from "../../src/domain/uid.ts";
import { decodeColumns } from "../../src/store/codec/columns.ts";
import type { ServiceKeys } from "../../src/store/keys.ts";
import { createServiceKeys } from "../../src/store/keys.ts";
import { decodeRecord } from "../../src/store/codec/record-codec.ts";
import type { StoredRecord } from "../../src/store/record.ts";
import { associatedData } from "../../src/store/record.ts";
import { readServiceKeyFile } from "../../src/store/service-key-file.ts";
import { unseal, openAsRecipient } from "../../src/store/seal.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import type { FullStoreTokenName } from "../../../testkit/src/full-store.ts";
import { createFullStore, TOKEN_NAMES } from "../../../testkit/src/full-store.ts";
import { engineOfRun } from "../../../testkit/src/engines.ts";
import { STORE_ACCESS } from "../../../testkit/src/store-access.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";

const OF_FIRST_TENANT = [
  "membrane alpha",
  "membrane beta",
  "alpha export",
  "alpha revoke",
  "beta export",
  "beta revoke",
] as const;

/** What each token opens besides its own record in a stolen store with its service key. */
const OPENS: Readonly<Partial<Record<FullStoreTokenName, readonly string[]>>> = {
  query: OF_FIRST_TENANT,
  "gamma of query": OF_FIRST_TENANT,
  "second query": ["membrane gamma", "gamma export", "gamma revoke"],
  plain: ["target of plain"],
  aws4: ["target of aws4"],
  cap1: ["target of cap1"],
  tls: ["target of tls"],
  foreign: ["target of foreign"],
  "beta plain": ["target of beta plain"],
  "gamma of plain": ["target of plain"],
  "beta of gamma of plain": ["target of plain"],
  "gamma limited plain": ["target of plain"],
  "beta of gamma limited plain": ["target of plain"],
};

test("with the whole store, its service key and one token, an attacker opens only what that token gives the right to", async () => {
  await using stolen = await steal();
  const { keys, records, tokens } = stolen;
  for (const name of TOKEN_NAMES) {
    const opened = reach(keys, records, [tokens[name]], []);
    const expected = [name, ...(OPENS[name] ?? [])];
    expect(labels(stolen, opened), name).toEqual(expected.toSorted((a, b) => a.localeCompare(b)));
  }
});

test("with the whole store, its service key and every token but those of a tenant's queries, an attacker opens no membrane", async () => {
  await using stolen = await steal();
  const others = TOKEN_NAMES.filter((name) => !name.endsWith("query"));
  const opened = reach(
    stolen.keys,
    stolen.records,
    others.map((name) => stolen.tokens[name]),
    [],
  );
  expect(labels(stolen, opened).filter((label) => label.startsWith("membrane"))).toEqual([]);
});

test("with the whole store and its service key, but no token, an attacker opens nothing", async () => {
  await using stolen = await steal();
  const { keys, records, serviceKey } = stolen;
  const clear = records.flatMap((record) => {
    if (record.type === "tenant") return [record.publicKey];
    if (record.type === "capability") return [record.lookupId];
    return record.type === "membrane" ? [record.recipientKey, record.sealed.subarray(0, 32)] : [];
  });
  const guesses = [serviceKey, keys.checkValue, Buffer.alloc(32), ...clear];
  expect(reach(keys, records, [formatToken(randomBytes(64))], guesses)).toEqual(new Set());
});

test("with the whole store and every token, but without the service key, an attacker opens nothing", async () => {
  await using stolen = await steal();
  const { records, tokens } = stolen;
  const all = TOKEN_NAMES.map((name) => tokens[name]);
  const halves = all.flatMap((token) => [tokenBytes(token).subarray(0, 32), tokenBytes(token).subarray(32)]);
  expect(reach(createServiceKeys(randomBytes(32)), records, all, halves)).toEqual(new Set());
});

interface Stolen extends AsyncDisposable {
  readonly serviceKey: Buffer;
  readonly keys: ServiceKeys;
  readonly records: readonly StoredRecord[];
  readonly tokens: Readonly<Record<FullStoreTokenName, CapabilityToken>>;
}

/** Copies a store in use, with its whole data directory; of a store in a database its rows are read. */
async function steal(): Promise<Stolen> {
  const copy = await temporaryDirectory();
  await using target = await startTarget();
  await using directory = await temporaryDirectory();
  await using service = await startTestService({ directory: directory.path });
  const made = await createFullStore(service, target.port);
  await cp(directory.path, copy.path, { recursive: true });

  const [line] = await readServiceKeyFile(`${copy.path}/service.key`);
  const { serviceKey } = line!;
  const engine = engineOfRun();
  await using raw = await STORE_ACCESS[engine].openRaw(engine === "postgres" ? directory.path : copy.path);
  const records = (await raw.rows("nodes")).map(({ key, value }) =>
    decodeRecord(parseUid(key.toString("hex")), decodeColumns(value.subarray(0, -32))),
  );
  const tokens = Object.fromEntries(TOKEN_NAMES.map((name) => [name, parseToken(made.tokens[name])]));
  return {
    serviceKey,
    keys: createServiceKeys(serviceKey),
    records,
    tokens: tokens as Stolen["tokens"],
    [Symbol.asyncDispose]: () => copy[Symbol.asyncDispose](),
  };
}

/** Tries every key on every record, and then all keys that were found inside, until nothing more opens. */
function reach(
  keys: ServiceKeys,
  records: readonly StoredRecord[],
  tokens: readonly CapabilityToken[],
  guesses: readonly Uint8Array[],
): ReadonlySet<StoredRecord> {
  const opened = new Set<StoredRecord>();
  const known = [...guesses, ...tokens.map((token) => keys.deriveTokenKeys(token).sealingKey)];
  for (let key = known.shift(); key !== undefined; key = known.shift()) {
    for (const record of records) {
      const content = open(record, key);
      if (content === undefined || opened.has(record)) continue;
      opened.add(record);
      known.push(...keysIn(keys, record, content));
    }
  }
  return opened;
}

/** Tries a key as each kind of key: a sealing key, a data key, a private key. */
function open(record: StoredRecord, key: Uint8Array): Buffer | undefined {
  if (record.type === "tenant") return undefined;
  const bound = associatedData(record);
  const ways = [
    () => unseal(key, record.sealed, bound),
    () => unseal(key, record.sealed.subarray(32), bound),
  ];
  if (record.type === "membrane") {
    ways.push(() =>
      openAsRecipient({ privateKey: key, publicKey: record.recipientKey }, record.sealed, bound),
    );
  }
  for (const way of ways) {
    try {
      return way();
    } catch {
      continue;
    }
  }
  return undefined;
}

function keysIn(keys: ServiceKeys, record: StoredRecord, content: Buffer): Uint8Array[] {
  if (record.type === "membrane") {
    return decodeColumns(content).map((bytes) => keys.deriveTokenKeys(formatToken(bytes)).sealingKey);
  }
  const isNarrowed = record.type === "capability" && record.version > 1;
  const [secret = content] = isNarrowed ? decodeColumns(content) : [];
  return secret.length >= 32 ? [secret.subarray(0, 32), secret.subarray(-32)] : [];
}

function labels({ keys, records, tokens }: Stolen, opened: ReadonlySet<StoredRecord>): string[] {
  const holders = TOKEN_NAMES.map((name) => {
    const { lookupId } = keys.deriveTokenKeys(tokens[name]);
    const record = records.find((one) => one.type === "capability" && one.lookupId.equals(lookupId));
    return { name, record };
  });
  const nameOf = (record: StoredRecord): string => {
    if (record.type === "membrane") return `membrane ${record.name}`;
    const holder = holders.find(({ record: held }) =>
      record.type === "target"
        ? held?.type === "capability" && held.resource === record.uid
        : held?.uid === record.uid,
    );
    return record.type === "target" ? `target of ${holder?.name}` : (holder?.name ?? "unknown");
  };
  return [...opened].map(nameOf).toSorted((a, b) => a.localeCompare(b));
}

import { randomBytes } from "node:crypto";
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { CapabilityToken } from "capability-protocol";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRawLmdb } from "../../../testkit/src/raw-lmdb.ts";
import type { RawStore } from "../../../testkit/src/raw-store.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { DEFAULT_LIMITS } from "../../src/service-limits.ts";
import { createServiceKeys } from "../../src/store/keys.ts";
import { openLmdbEngine } from "../../src/store/lmdb/engine.ts";
import { createStore } from "../../src/store/operations/create-store.ts";
import type { Cacheable, ResolutionCache } from "../../src/store/resolution-cache.ts";
import { createResolutionCache } from "../../src/store/resolution-cache.ts";
import type { RevocationFeed } from "../../src/store/revocation-feed.ts";
import { createRevocationFeed } from "../../src/store/revocation-feed.ts";
import type { Store } from "../../src/store/store.ts";
import { StoreCorruptError } from "../../src/store/store.ts";
import type { MintedCapability, OpenedCapability, Vault } from "../../src/store/vault.ts";
import { createVault } from "../../src/store/vault.ts";
import type { Made } from "../support/store-histories.ts";
import { makeMembrane, makeTenant, repair, step, take } from "../support/store-histories.ts";

const KEYS = createServiceKeys(randomBytes(32));
const clock = { now: 1_000_000 };

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let opened: { readonly store: Store; readonly vault: Vault };
let raw: RawStore;

beforeAll(async () => {
  directory = await temporaryDirectory();
  opened = await openStore(directory.path);
  raw = await openRawLmdb(directory.path);
});

afterAll(async () => {
  await raw[Symbol.asyncDispose]();
  await opened.store.close();
  await directory[Symbol.asyncDispose]();
});

async function openStore(path: string) {
  const options = { directory: join(path, "store"), keys: KEYS, writeTimeoutMs: 10_000, reserveBytes: 0 };
  const engine = await openLmdbEngine(options);
  const store = createStore(engine, { ...DEFAULT_LIMITS, expiredRetentionMs: 5 }, () => clock.now);
  return { store, vault: createVault(store, engine.keys, randomBytes) };
}

/** Opens the tokens as a process that has never seen them. */
async function openFresh(tokens: readonly CapabilityToken[]): Promise<string[]> {
  await using copy = await temporaryDirectory();
  await mkdir(join(copy.path, "store"));
  await copyFile(join(directory.path, "store", "data.mdb"), join(copy.path, "store", "data.mdb"));
  const { store, vault } = await openStore(copy.path);
  const outcomes: string[] = [];
  for (const token of tokens) outcomes.push(await outcomeOf(() => vault.openUnlessExpired(token)));
  await store.close();
  return outcomes;
}

async function outcomeOf(open: () => Promise<OpenedCapability | "expired" | undefined>): Promise<string> {
  try {
    const found = await open();
    if (found === undefined || found === "expired") return found ?? "unknown";
    const { capability, payload, limits, target, lineage, usageOwners, expiresAt } = found;
    const { capabilities, tenants, exporter, targetOwner } = usageOwners;
    const owners = [capabilities, tenants.toSorted(), exporter, targetOwner];
    return JSON.stringify([capability, payload, limits, target, [...lineage].toSorted(), owners, expiresAt]);
  } catch (error) {
    if (error instanceof StoreCorruptError) return "damaged";
    throw error;
  }
}

/** A process that has opened capabilities before, with a cache of few resolutions. */
interface Process {
  readonly feed: RevocationFeed;
  readonly cache: ResolutionCache<Cacheable>;
}

async function startProcess(): Promise<Process> {
  const feed = await createRevocationFeed(opened.store);
  const cache = createResolutionCache<Cacheable>(feed, { entries: 4, bytes: 1_000_000 }, () => clock.now);
  return { feed, cache };
}

/**
 * Opens a token and caches what it opens, as a request does.
 *
 * @param isStale the request came when this process had not read the log for some time.
 */
async function openAgain(
  { feed, cache }: Process,
  token: CapabilityToken,
  isStale: boolean,
): Promise<OpenedCapability | "expired" | undefined> {
  if (!isStale) feed.advance();
  for (;;) {
    const found = await opened.vault.openUnlessExpired(token, cache.known);
    if (found === undefined || found === "expired") return found;
    feed.advance();
    if (!feed.holds(found.position, found.lineage)) continue;
    const { lineage, expiresAt, position } = found;
    cache.put(token, { lineage, expiresAt, bytes: 1, cacheOwner: "" }, position);
    return found;
  }
}

/** Whether a row was changed that each open reads: that of the capability, or of its target. */
function isTampered(changed: ReadonlySet<string>, { record }: MintedCapability): boolean {
  const { uid, kind, resource } = record;
  return changed.has(uid) || (kind === "invoke" && changed.has(resource ?? ""));
}

/** The uids of the rows that differ from what they were: one that was changed twice may be as before. */
async function changedRows(made: Made): Promise<ReadonlySet<string>> {
  const current = new Map((await raw.rows("nodes")).map(({ key, value }) => [key.toString("hex"), value]));
  const changed = [...made.tampered].filter(
    ([, { key, value }]) => current.get(key.toString("hex"))?.equals(value) !== true,
  );
  return new Set(changed.map(([uid]) => uid));
}

function isRefused(outcome: string | undefined): boolean {
  return outcome === "unknown" || outcome === "damaged";
}

/** Opens all capabilities in the process that knows some of them, and in one that knows nothing. */
async function compare(made: Made, process: Process, isStale: boolean): Promise<void> {
  const tokens = made.capabilities.map(({ token }) => token);
  const changed = await openFresh(tokens);
  const rows = await changedRows(made);
  for (const [index, minted] of made.capabilities.entries()) {
    const again = await outcomeOf(() => openAgain(process, minted.token, isStale));
    const where = `capability ${index} of ${tokens.length}`;
    if (again !== changed[index] && made.tampered.size > 0 && !isTampered(rows, minted)) {
      // A row above it was changed that is not read: it is as before the change, or does not work.
      const [before] = await withoutTampering(made, () => openFresh([minted.token]));
      expect([...endings(before, isStale), "unknown", "damaged"], where).toContain(again);
    } else if (isRefused(changed[index]) && isTampered(rows, minted)) {
      // With several rows changed, the kind of the refusal depends on which of them is read.
      expect(["unknown", "damaged"], `${where}: ${changed[index]}`).toContain(again);
    } else expect(endings(changed[index], isStale), where).toContain(again);
  }
}

/** What a process may find where one that knows nothing finds `outcome`. What was revoked and has expired ends by what it knows of. */
function endings(outcome: string | undefined, isStale: boolean): (string | undefined)[] {
  return isStale && outcome === "unknown" ? ["unknown", "expired"] : [outcome];
}

async function withoutTampering<T>(made: Made, look: () => Promise<T>): Promise<T> {
  const changed = new Map((await raw.rows("nodes")).map(({ key, value }) => [key.toString("hex"), value]));
  for (const { key, value } of made.tampered.values()) await raw.write("nodes", key, value);
  try {
    return await look();
  } finally {
    for (const [uid, { key }] of made.tampered) await raw.write("nodes", key, changed.get(uid));
  }
}

test("after any history, a process that knows lineages and rows opens what one that knows nothing opens, and tampering gains nothing", async () => {
  const history = fc.array(step, { minLength: 10, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(history, fc.boolean(), async (steps, isStale) => {
      const made: Made = { tenants: [], membranes: [], capabilities: [], tampered: new Map() };
      const process = await startProcess();
      const on = { ...opened, raw, clock };
      const open = (token: CapabilityToken, stale: boolean) =>
        outcomeOf(() => openAgain(process, token, stale));
      await makeTenant(on, made);
      await makeMembrane(on, made, 0);
      for (const [index, next] of steps.entries()) {
        await take(on, made, next, open);
        if (index % 10 === 9) await compare(made, process, isStale);
      }
      await compare(made, process, isStale);
      await repair(on, made);
      await compare(made, process, isStale);
    }),
    { numRuns: 60, endOnFailure: true },
  );
}, 120_000);

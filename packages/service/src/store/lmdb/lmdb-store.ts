import { randomBytes, timingSafeEqual } from "node:crypto";
import { evaluateLineage } from "../../domain/lineage.ts";
import type { CreationDenial, Quotas, CreationSnapshot } from "../../domain/creation.ts";
import { checkCreation } from "../../domain/creation.ts";
import type { Uid } from "../../domain/uid.ts";
import type { ServiceKeys } from "../keys.ts";
import type { StoredCapability, StoredMembrane, StoredRecord, StoredTenant } from "../record.ts";
import type { FoundCapability, MembranePage, MembranePageRequest, Store, StoreCondition } from "../store.ts";
import { skipTooNew, StoreCorruptError } from "../store.ts";
import type { Environment } from "./environment.ts";
import { openEnvironment } from "./environment.ts";
import { createLayoutUpgrade, openFormat } from "./schema-version.ts";
import { createRevocationLog } from "./revocation-log.ts";
import { createRecords } from "./records.ts";
import { createAuthenticatedTable } from "./authenticated-table.ts";
import { sizeOfRecord } from "./record-size.ts";
import { queueSweep, sweepBelow } from "./sweep.ts";
import { createWriteRequests, SWEEP_REQUEST } from "./write-requests.ts";

export interface LmdbStoreOptions {
  /** Where the store's files are; made if it is not there. */
  readonly directory: string;
  readonly keys: ServiceKeys;
  readonly quotas: Quotas;
  /** How long a write may take until it is on disk, in milliseconds. */
  readonly writeTimeoutMs: number;
  /** How much disk space is reserved for revokes, in bytes. */
  readonly reserveBytes: number;
  /** Called when writing becomes impossible, and when it is possible again. */
  readonly report?: (condition: StoreCondition) => void;
  /** Called with the uid of each record that was read and that a newer program wrote. */
  readonly onRecordTooNew?: (record: Uid) => void;
}

/**
 * Opens the store in `directory`, or makes it.
 *
 * @throws StoreFormatError if it was written by a newer program or with another service key.
 */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<Store> {
  const environment = openEnvironment(options.directory, options.writeTimeoutMs, options);
  try {
    return await createStore(environment, options);
  } catch (error) {
    await environment.close();
    throw error;
  }
}

async function createStore(environment: Environment, options: LmdbStoreOptions): Promise<Store> {
  const { tables, snapshot, write } = environment;
  const meta = createAuthenticatedTable("meta", tables.meta, options.keys);
  const queue = createAuthenticatedTable("sweep", tables.sweep, options.keys);
  const log = createRevocationLog(
    tables.meta,
    meta,
    createAuthenticatedTable("log", tables.log, options.keys),
  );
  const storedRecords = createRecords(tables, options.keys, options.onRecordTooNew);
  const upgradeLayout = createLayoutUpgrade(meta);
  const requests = createWriteRequests((uid) => snapshot(() => storedRecords.get(uid)));
  const format = await openFormat(environment, meta, options.keys);

  return {
    id: format.storeId,
    position: () => snapshot(log.head),
    revocationsSince: (position) => snapshot(() => log.since(position)),
    // The memory map is never behind.
    refresh: () => Promise.resolve(),
    find: (lookupId) =>
      snapshot((): FoundCapability | undefined => {
        const capability = storedRecords.byLookupId(lookupId);
        if (capability === undefined || !timingSafeEqual(capability.lookupId, lookupId)) return undefined;
        const resource =
          capability.resource === undefined ? undefined : storedRecords.get(capability.resource);
        const found = {
          capability,
          verdict: evaluateLineage(capability, memoizedGet(storedRecords.get)),
          position: log.head(),
        };
        return resource?.type === "target" ? { ...found, target: resource } : found;
      }),
    isAlive: (uid) =>
      snapshot(() => {
        const record = storedRecords.get(uid);
        return record !== undefined && isAlive(record);
      }),
    isEmpty: () => snapshot(() => storedRecords.isEmpty()),
    tenant: (uid) =>
      snapshot(() => {
        const record = storedRecords.get(uid);
        return record?.type === "tenant" ? record : undefined;
      }),
    tenants: () =>
      snapshot(() =>
        Array.from(storedRecords.listByName(undefined, "", false))
          .filter(isTenant)
          .filter((tenant) => skipTooNew(() => isAlive(tenant)) === true),
      ),
    membranes: (tenant, page) =>
      snapshot(() => {
        const find = memoizedGet(storedRecords.get);
        const { id } = page;
        const found = id === undefined ? after(tenant, page) : byName(tenant, id);
        const { recipientKey, limit } = page;
        return collect(found, limit, (membrane) => {
          const isReadable = recipientKey === undefined || membrane.recipientKey.equals(recipientKey);
          return isReadable && skipTooNew(() => evaluateLineage(membrane, find).alive) === true;
        });
      }),
    create: async (records, actor) => write(() => create(records), requests.creating(records, actor)),
    rekeyTenant: async (uid, publicKey, capabilities) =>
      write(() => rekeyTenant(uid, publicKey, capabilities), requests.creating(capabilities)),
    revoke: async (root, actor) => write(() => revoke(root, actor), requests.revoking(root, actor)),
    sweep: (limit) =>
      write(() => {
        log.trim(limit);
        return sweepBelow(queue, storedRecords, limit);
      }, SWEEP_REQUEST),
    close: async () => void (await environment.close()),
  };

  function create(records: readonly StoredRecord[]): CreationDenial | undefined {
    const added = records.filter(
      (record) => record.type !== "capability" || storedRecords.byLookupId(record.lookupId) === undefined,
    );
    const sizes = new Map(added.map((record) => [record.uid, sizeOfRecord(record)]));
    const snapshot: CreationSnapshot = {
      find: memoizedGet(storedRecords.get),
      countOwned: storedRecords.countOwned,
      sizeOf: (node) => sizes.get(node.uid) ?? 0,
      storedBytes: storedRecords.storedBytes,
      findByName: (node) =>
        storedRecords.findByName(node.type === "membrane" ? node.tenant : undefined, node.name),
    };
    const denial = checkCreation(added, snapshot, options.quotas);
    if (denial === undefined && added.length > 0) {
      upgradeLayout();
      added.forEach((record) => storedRecords.insert(record));
    } else forceCommit();
    return denial;
  }

  function mayRevoke(actor: Uid | "operator"): boolean {
    if (actor === "operator") return true;
    const capability = storedRecords.get(actor);
    return capability !== undefined && isAlive(capability);
  }

  function rekeyTenant(
    uid: Uid,
    publicKey: Buffer,
    capabilities: readonly StoredCapability[],
  ): CreationDenial | undefined {
    const tenant = storedRecords.get(uid);
    if (tenant?.type !== "tenant") {
      forceCommit();
      return { reason: "lineage_dead" };
    }
    const denial = create(capabilities);
    if (denial === undefined) storedRecords.update({ ...tenant, publicKey });
    return denial;
  }

  function revoke(root: Uid, actor: Uid | "operator"): "revoked" | "denied" {
    const record = storedRecords.get(root);
    if (!isRoot(record) || !mayRevoke(actor)) {
      forceCommit();
      return "denied";
    }
    if (record.revoked) {
      forceCommit();
      return "revoked";
    }
    storedRecords.update({ ...record, revoked: true });
    storedRecords.releaseName(record);
    log.append(root);
    queueSweep(queue, root);
    return "revoked";
  }

  /** Writes something: an answer that found nothing to do may rest on a commit of another process that is not on disk yet. */
  function forceCommit(): void {
    meta.put(Buffer.from("touched"), [randomBytes(8)]);
  }

  function* after(tenant: Uid, page: MembranePageRequest): Iterable<StoredRecord> {
    yield* storedRecords.listByName(tenant, page.lastId ?? "", page.lastId !== undefined);
  }

  function* byName(tenant: Uid, id: string): Iterable<StoredRecord> {
    const record = skipTooNew(() => storedRecords.findByName(tenant, id));
    if (record !== undefined) yield record;
  }

  function isAlive(record: StoredRecord): boolean {
    return evaluateLineage(record, storedRecords.get).alive;
  }
}

function collect(
  records: Iterable<StoredRecord>,
  limit: number,
  isListed: (membrane: StoredMembrane) => boolean,
): MembranePage {
  const membranes: StoredMembrane[] = [];
  for (const record of records) {
    if (record.type !== "membrane") throw new StoreCorruptError("a name of a tenant leads to no membrane");
    if (!isListed(record)) continue;
    if (membranes.length === limit) return { membranes, completed: false };
    membranes.push(record);
  }
  return { membranes, completed: true };
}

function isTenant(record: StoredRecord): record is StoredTenant {
  return record.type === "tenant";
}

function isRoot(record: StoredRecord | undefined): record is StoredTenant | StoredMembrane {
  return record?.type === "tenant" || record?.type === "membrane";
}

/** Reads each record of a snapshot once, however many lineages it stands in. */
function memoizedGet(get: (uid: Uid) => StoredRecord | undefined): (uid: Uid) => StoredRecord | undefined {
  const cache = new Map<Uid, StoredRecord | undefined>();
  return (uid) => {
    if (!cache.has(uid)) cache.set(uid, get(uid));
    return cache.get(uid);
  };
}

import { randomBytes, timingSafeEqual } from "node:crypto";
import { judge } from "../../domain/lineage.ts";
import type { MakingDenial, MakingLimits, Snapshot } from "../../domain/making.ts";
import { denyMaking } from "../../domain/making.ts";
import type { Uid } from "../../domain/uid.ts";
import type { ServiceKeys } from "../keys.ts";
import type { StoredCapability, StoredMembrane, StoredRecord, StoredTenant } from "../record.ts";
import type { Found, MembranePage, MembranePageRequest, Store, StoreCondition } from "../store.ts";
import { StoreCorruptError } from "../store.ts";
import type { Environment } from "./environment.ts";
import { openEnvironment } from "./environment.ts";
import { openFormat } from "./format.ts";
import { createRevocationLog } from "./log.ts";
import { createNodes } from "./nodes.ts";
import { createRowTable } from "./row.ts";
import { sizeOfRecord } from "./record-size.ts";
import { queueSweep, sweepBelow } from "./sweep.ts";
import { createWriteRequests, SWEEPING } from "./write-requests.ts";

export interface LmdbStoreOptions {
  /** Where the store's files are; made if it is not there. */
  readonly directory: string;
  readonly keys: ServiceKeys;
  readonly making: MakingLimits;
  /** How long a write may take until it is on disk, in milliseconds. */
  readonly writerDeadlineMs: number;
  /** How much disk space is reserved for revokes, in bytes. */
  readonly reserveBytes: number;
  /** Called when writing becomes impossible, and when it is possible again. */
  readonly report?: (condition: StoreCondition) => void;
}

/**
 * Opens the store in `directory`, or makes it.
 *
 * @throws StoreFormatError if it was written by a newer program or with another service key.
 */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<Store> {
  const environment = openEnvironment(options.directory, options.writerDeadlineMs, options);
  try {
    return await createStore(environment, options);
  } catch (error) {
    await environment.close();
    throw error;
  }
}

async function createStore(environment: Environment, options: LmdbStoreOptions): Promise<Store> {
  const { tables, snapshot, write } = environment;
  const meta = createRowTable("meta", tables.meta, options.keys);
  const queue = createRowTable("sweep", tables.sweep, options.keys);
  const log = createRevocationLog(tables.meta, meta, createRowTable("log", tables.log, options.keys));
  const nodes = createNodes(tables, options.keys);
  const requests = createWriteRequests((uid) => snapshot(() => nodes.get(uid)));
  const format = await openFormat(environment, meta, options.keys);

  return {
    id: format.storeId,
    position: () => snapshot(log.head),
    revocationsSince: (position) => snapshot(() => log.since(position)),
    find: (lookupId) =>
      snapshot((): Found | undefined => {
        const capability = nodes.byLookupId(lookupId);
        if (capability === undefined || !timingSafeEqual(capability.lookupId, lookupId)) return undefined;
        const subject = capability.subject === undefined ? undefined : nodes.get(capability.subject);
        const found = {
          capability,
          verdict: judge(capability, remembering(nodes.get)),
          position: log.head(),
        };
        return subject?.type === "target" ? { ...found, target: subject } : found;
      }),
    isAlive: (uid) =>
      snapshot(() => {
        const record = nodes.get(uid);
        return record !== undefined && isAlive(record);
      }),
    isEmpty: () => snapshot(() => nodes.isEmpty()),
    tenant: (uid) =>
      snapshot(() => {
        const record = nodes.get(uid);
        return record?.type === "tenant" ? record : undefined;
      }),
    tenants: () =>
      snapshot(() =>
        Array.from(nodes.namedFrom(undefined, "", false))
          .filter(isTenant)
          .filter(isAlive),
      ),
    membranes: (tenant, page) =>
      snapshot(() => {
        const find = remembering(nodes.get);
        const found = page.id === undefined ? following(tenant, page) : exactly(tenant, page.id);
        const { sealedTo, limit } = page;
        return collect(found, limit, (membrane) => {
          const isReadable = sealedTo === undefined || membrane.sealedTo.equals(sealedTo);
          return isReadable && judge(membrane, find).alive;
        });
      }),
    make: async (records, by) => write(() => make(records), requests.creating(records, by)),
    rekeyTenant: async (uid, publicKey, capabilities) =>
      write(() => rekeyTenant(uid, publicKey, capabilities), requests.creating(capabilities)),
    revoke: async (root, by) => write(() => revoke(root, by), requests.revoking(root, by)),
    sweep: (limit) =>
      write(() => {
        log.trim(limit);
        return sweepBelow(queue, nodes, limit);
      }, SWEEPING),
    close: async () => void (await environment.close()),
  };

  function make(records: readonly StoredRecord[]): MakingDenial | undefined {
    const fresh = records.filter(
      (record) => record.type !== "capability" || nodes.byLookupId(record.lookupId) === undefined,
    );
    const sizes = new Map(fresh.map((record) => [record.uid, sizeOfRecord(record)]));
    const snapshot: Snapshot = {
      find: remembering(nodes.get),
      heldBy: nodes.heldBy,
      sizeOf: (node) => sizes.get(node.uid) ?? 0,
      storedBytes: nodes.storedBytes,
      nameHolder: (node) => nodes.named(node.type === "membrane" ? node.tenant : undefined, node.name),
    };
    const denial = denyMaking(fresh, snapshot, options.making);
    if (denial === undefined && fresh.length > 0) fresh.forEach((record) => nodes.insert(record));
    else touch();
    return denial;
  }

  function mayRevoke(by: Uid | "operator"): boolean {
    if (by === "operator") return true;
    const capability = nodes.get(by);
    return capability !== undefined && isAlive(capability);
  }

  function rekeyTenant(
    uid: Uid,
    publicKey: Buffer,
    capabilities: readonly StoredCapability[],
  ): MakingDenial | undefined {
    const tenant = nodes.get(uid);
    if (tenant?.type !== "tenant") {
      touch();
      return { reason: "lineage_dead" };
    }
    const denial = make(capabilities);
    if (denial === undefined) nodes.update({ ...tenant, publicKey });
    return denial;
  }

  function revoke(root: Uid, by: Uid | "operator"): "revoked" | "denied" {
    const record = nodes.get(root);
    if (!isRoot(record) || !mayRevoke(by)) {
      touch();
      return "denied";
    }
    if (record.revoked) {
      touch();
      return "revoked";
    }
    nodes.update({ ...record, revoked: true });
    nodes.retire(record);
    log.append(root);
    queueSweep(queue, root);
    return "revoked";
  }

  /** Writes something: an answer that found nothing to do may rest on a commit of another process that is not on disk yet. */
  function touch(): void {
    meta.put(Buffer.from("touched"), [randomBytes(8)]);
  }

  function* following(tenant: Uid, page: MembranePageRequest): Iterable<StoredRecord> {
    yield* nodes.namedFrom(tenant, page.lastId ?? "", page.lastId !== undefined);
  }

  function* exactly(tenant: Uid, id: string): Iterable<StoredRecord> {
    const record = nodes.named(tenant, id);
    if (record !== undefined) yield record;
  }

  function isAlive(record: StoredRecord): boolean {
    return judge(record, nodes.get).alive;
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
function remembering(get: (uid: Uid) => StoredRecord | undefined): (uid: Uid) => StoredRecord | undefined {
  const known = new Map<Uid, StoredRecord | undefined>();
  return (uid) => {
    if (!known.has(uid)) known.set(uid, get(uid));
    return known.get(uid);
  };
}

import type { Uid } from "../../domain/uid.ts";
import type { Engine } from "../engine.ts";
import type { ServiceKeys } from "../keys.ts";
import type { StoreCondition } from "../store.ts";
import { createVerifiedRecords } from "../verified-records.ts";
import { applyChange } from "./apply.ts";
import { createAuditHeads } from "./audit-heads.ts";
import { takeFirst } from "./authenticated-table.ts";
import type { Environment } from "./environment.ts";
import { openEnvironment } from "./environment.ts";
import { createReader } from "./reader.ts";
import { createRevocationLog } from "./revocation-log.ts";
import { openRows } from "./schema.ts";
import { createLayoutUpgrade, openFormat } from "./schema-version.ts";
import { turnOf } from "./write-turn.ts";

/** Twice the interval at which the log is read while requests are in flight, and more. */
const POSITION_MAX_AGE_MS = 500;

export interface LmdbEngineOptions {
  /** Where the store's files are; made if it is not there. */
  readonly directory: string;
  /** All keys that there are: the store names those that it needs. */
  readonly keys: ServiceKeys;
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
 * Opens the LMDB environment in `directory`, or makes it.
 *
 * @throws StoreFormatError if it was written by a newer program, or needs another service key.
 */
export async function openLmdbEngine(options: LmdbEngineOptions): Promise<Engine> {
  const environment = await openEnvironment(options.directory, options.writeTimeoutMs, options);
  try {
    return await createEngine(environment, options);
  } catch (error) {
    await environment.close();
    throw error;
  }
}

async function createEngine(environment: Environment, options: LmdbEngineOptions): Promise<Engine> {
  const { tables, snapshot } = environment;
  const { id, keys } = await openFormat(environment, options.keys);
  const rows = openRows(tables, keys);
  environment.buffer(rows.counts);
  const log = createRevocationLog(tables.meta, rows);
  const source = { nodes: tables.nodes, verified: createVerifiedRecords(keys) };
  const reader = createReader(rows, source, log, options.onRecordTooNew);
  const auditHeads = createAuditHeads(tables.meta, keys);
  const upgradeLayout = createLayoutUpgrade(rows.meta);
  const context = {
    rows,
    counts: reader.counts,
    useCounts: reader.useCounts,
    log,
    auditHeads,
    keyVersion: keys.keyVersion,
    upgradeLayout,
  };

  return {
    id,
    keys,
    position: () => snapshot(log.head),
    positionMaxAgeMs: POSITION_MAX_AGE_MS,
    positionFailure: () => undefined,
    revocationsSince: (position) => snapshot(() => log.since(position)),
    // The memory map is always current.
    refresh: () => Promise.resolve(),
    // Not by a count: LMDB's goes through all keys, whatever its limit.
    status: environment.status,
    leaseAgeMs: () => undefined,
    isEmpty: () => snapshot(() => takeFirst(tables.nodes.getKeys(), 1).length === 0),
    auditHeads: () => snapshot(auditHeads.read),
    read: (_request, decide) => snapshot(() => decide(reader)),
    write: (request, decide) =>
      environment.write(() => {
        const { result, changes } = decide(reader);
        for (const change of changes) applyChange(context, change);
        return result;
      }, turnOf(request)),
    close: async () => void (await environment.close()),
  };
}

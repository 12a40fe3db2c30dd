import type { Uid } from "../../domain/uid.ts";
import type { Engine } from "../engine.ts";
import type { ServiceKeys } from "../keys.ts";
import type { StoreCondition } from "../store.ts";
import type { Position } from "../revocation-source.ts";
import { StoreFailedError, StoreFullError } from "../store.ts";
import type { WriteClass } from "../write-queue.ts";
import { createVerifiedRecords } from "../verified-records.ts";
import type { ConnectionConfig } from "./config/connection-config.ts";
import type { Connection, ConnectionEvents } from "./connection.ts";
import { openConnection } from "./connection.ts";
import { createConnectionSlots } from "./connection-slots.ts";
import { useOnce, withDeadline } from "./deadline.ts";
import { loadForRead } from "./load-statements.ts";
import { parseLoadedRows } from "./loaded-rows.ts";
import { migrate } from "./migrate.ts";
import { MIGRATIONS } from "./migrations.ts";
import { toStoreError } from "./postgres-errors.ts";
import type { NodeRole, RevocationProtocol } from "./revocations/protocol.ts";
import { agreementWaitMs, agreeOnTimes, startRevocations } from "./revocations/protocol.ts";
import { readStoredAuditHeads } from "./stored-audit-heads.ts";
import { checkServer } from "./server-check.ts";
import { createSnapshot } from "./snapshot.ts";
import type { ServedStore } from "./store-format.ts";
import { openFormat } from "./store-format.ts";
import { collectStatus } from "./store-status.ts";
import type { WriteGroups } from "./write-groups.ts";
import { createWriteGroups } from "./write-groups.ts";

export interface PostgresEngineOptions {
  readonly connection: ConnectionConfig;
  /** All keys that there are: the store names those that it needs. */
  readonly keys: ServiceKeys;
  /** How long a write may take until it is committed, in milliseconds. */
  readonly writeTimeoutMs: number;
  /** How long a read may take, in milliseconds. */
  readonly readTimeoutMs: number;
  readonly role: NodeRole;
  /** How long a start may wait for another node that changes the schema, in milliseconds. Default: a minute. */
  readonly startTimeoutMs?: number;
  /** Called when writing becomes impossible, and when it is possible again. */
  readonly report?: (condition: StoreCondition) => void;
  /** Called with the uid of each record that was read and that a newer program wrote. */
  readonly onRecordTooNew?: (record: Uid) => void;
  /**
   * Called with the last position that this node has applied, when the log does not have it any more: the store was restored, or a
   * failover has lost commits. Revokes that were acknowledged may be lost.
   */
  readonly onRevocationsLost?: (applied: Position) => void;
}

/** Reads share connections, on which they wait for each other's results, not for locks. */
const READ_CONNECTIONS = 4;

/**
 * How many groups of a class of writes are in flight at once: one is decided while the one before it is flushed. Each class has
 * separate connections, since a revoke waits for no creation, and a use, which a request waits for, for no sweep.
 */
const WRITE_CONNECTIONS: Readonly<Record<WriteClass, number>> = { revoke: 2, use: 2, create: 2, sweep: 1 };

/** Two more are for the lease and for the rows of other nodes, and one listens for revokes. */
export const CONNECTIONS_PER_PROCESS: number =
  READ_CONNECTIONS + Object.values(WRITE_CONNECTIONS).reduce((sum, count) => sum + count) + 3;

/** What the process keeps that starts several workers: one for reads, one for writes, and one for the rows of nodes. */
export const CONNECTIONS_OF_PARENT = 3;

const START_TIMEOUT_MS = 60_000;

/**
 * Opens the store in a database, and makes it there if there is none.
 *
 * @throws StoreFormatError if the server, the schema or the service keys do not fit.
 * @throws StoreBusyError if the server cannot be reached.
 */
export async function openPostgresEngine(options: PostgresEngineOptions): Promise<Engine> {
  const {
    role,
    writeTimeoutMs,
    startTimeoutMs = START_TIMEOUT_MS,
    onRevocationsLost = () => undefined,
  } = options;
  const openBehind =
    (isPooled: boolean, timeoutMs = writeTimeoutMs) =>
    (events?: ConnectionEvents) =>
      openConnection(options.connection, timeoutMs, { ...events, isPooled });
  // What is correct behind a pooler is correct without one.
  const { served, isPooled, agreementMs } = await useOnce(
    openBehind(true),
    startTimeoutMs,
    async (connection) => {
      await checkServer(connection);
      await migrate(connection, MIGRATIONS);
      return {
        isPooled: await connection.isPooled(),
        served: await openFormat(connection, options.keys),
        agreementMs: await agreementWaitMs(connection, role),
      };
    },
  );
  const open = openBehind(isPooled);
  const times = await useOnce(open, startTimeoutMs + agreementMs, (connection) =>
    agreeOnTimes(connection, role),
  );
  const revocations = await startRevocations({
    open,
    canListen: !isPooled,
    times,
    serves: role.serves,
    replyTimeoutMs: writeTimeoutMs,
    formatDigest: served.formatDigest,
    onRevocationsLost,
  });
  return createEngine(served, open, openBehind(isPooled, options.readTimeoutMs), revocations, options);
}

function createEngine(
  { id, keys }: ServedStore,
  open: () => Connection,
  openForReads: () => Connection,
  revocations: RevocationProtocol,
  {
    writeTimeoutMs,
    readTimeoutMs,
    report = () => undefined,
    onRecordTooNew = () => undefined,
  }: PostgresEngineOptions,
): Engine {
  const reads = createConnectionSlots(openForReads, READ_CONNECTIONS);
  const verified = createVerifiedRecords(keys);
  const writes = (kind: WriteClass): WriteGroups =>
    createWriteGroups(createConnectionSlots(open, WRITE_CONNECTIONS[kind]), {
      kind,
      keys,
      verified,
      deadlineMs: writeTimeoutMs,
      onTooNew: onRecordTooNew,
    });
  const groups: Readonly<Record<WriteClass, WriteGroups>> = {
    revoke: writes("revoke"),
    use: writes("use"),
    create: writes("create"),
    sweep: writes("sweep"),
  };
  const reportCondition = createConditionReport(report);

  const read = async <T>(use: (connection: Connection) => Promise<T>): Promise<T> => {
    try {
      return await reads
        .leastBusy()
        .run((connection, retire) => withDeadline(connection, use, readTimeoutMs, retire));
    } catch (error) {
      throw toStoreError(error);
    }
  };
  return {
    id,
    keys,
    position: revocations.position,
    positionMaxAgeMs: revocations.positionMaxAgeMs,
    positionFailure: revocations.positionFailure,
    revocationsSince: revocations.revocationsSince,
    refresh: revocations.refresh,
    status: () => read(collectStatus),
    leaseAgeMs: revocations.leaseAgeMs,
    isEmpty: () =>
      read(async (connection) => {
        const [row] = await connection.query("SELECT NOT EXISTS (SELECT FROM membrane.record) AS is_empty");
        return row?.["is_empty"] === true;
      }),
    auditHeads: () => read((connection) => readStoredAuditHeads(connection, keys)),
    read: (request, decide) =>
      read(async (connection) => {
        const { text, parameters } = loadForRead(request);
        const loaded = parseLoadedRows(await connection.query(text, parameters));
        return decide(
          createSnapshot(loaded, { keys, verified, recounted: new Map(), onTooNew: onRecordTooNew }),
        );
      }),
    async write(request, decide) {
      try {
        const { result, isCommitted, revoked } = await groups[request.class].write(request, decide);
        if (isCommitted) reportCondition();
        if (revoked !== undefined) await revocations.waitUntilApplied(revoked);
        return result;
      } catch (error) {
        const mapped = toStoreError(error);
        reportCondition(mapped);
        throw mapped;
      }
    },
    async close() {
      await Promise.all(Object.values(groups).map((group) => group.close()));
      await Promise.all([reads.close(), revocations.close()]);
    },
  };
}

/** Reports each change of what writing is possible. An outage is no state of the store: its end is not seen before the next write. */
function createConditionReport(report: (condition: StoreCondition) => void): (error?: unknown) => void {
  let state: StoreCondition["state"] = "writable";
  return (error) => {
    const next = conditionAfter(error);
    if (next === undefined || next.state === state) return;
    state = next.state;
    report(next);
  };
}

function conditionAfter(error: unknown): StoreCondition | undefined {
  if (error === undefined) return { state: "writable" };
  if (error instanceof StoreFullError) return { state: "full", cause: error.message };
  if (error instanceof StoreFailedError) return { state: "failed", cause: error.message };
  return undefined;
}

import type { MaybePromise } from "../../collections/maybe-promise.ts";
import { thenMaybe } from "../../collections/maybe-promise.ts";
import type { AuditHead } from "../../domain/audit-head.ts";
import type { Quotas } from "../../domain/creation.ts";
import type { Uid } from "../../domain/uid.ts";
import type { Change, Decision, Engine, NamePage, Snapshot, WriteRequest, WriteSnapshot } from "../engine.ts";
import type { MembranePage, MembranePageRequest, Store } from "../store.ts";
import { NO_OWNER, ownerOfCreation, ownerOfRevocation } from "../write-owner.ts";
import { checkUse, decideUse, useCountsRequest, useRequest } from "./count-use.ts";
import { creationOwnerRequest, creationRequest, decideCreation } from "./create.ts";
import { countDescendants } from "./descendants.ts";
import {
  capabilityRequest,
  findCapability,
  findMembraneRecord,
  findTenant,
  isAlive,
  recordRequest,
} from "./find.ts";
import type { ListStep } from "./list.ts";
import {
  findMembrane,
  FIRST_TENANTS,
  firstMembranes,
  listMembranes,
  listTenants,
  membranePage,
} from "./list.ts";
import { decideRekey, rekeyRequest } from "./rekey.ts";
import { capabilityRekeyRequest, decideCapabilityRekey } from "./rekey-capability.ts";
import { decideRevocation, revocationRequest } from "./revoke.ts";
import { decideSweep, sweepRequest } from "./sweep.ts";

export interface StoreLimits extends Quotas {
  /** How long what has expired is kept: a clock that was set wrong may be set right meanwhile. In milliseconds. */
  readonly expiredRetentionMs: number;
}

/**
 * The store: each operation names what it reads, and decides from it. All else is the engine's.
 *
 * @param now the time of day in milliseconds since 1970, read when an operation decides.
 */
export function createStore(engine: Engine, limits: StoreLimits, now: () => number): Store {
  return {
    id: engine.id,
    position: engine.position,
    positionMaxAgeMs: engine.positionMaxAgeMs,
    positionFailure: engine.positionFailure,
    revocationsSince: engine.revocationsSince,
    refresh: engine.refresh,
    status: engine.status,
    leaseAgeMs: engine.leaseAgeMs,
    find: (...lookupIds) =>
      engine.read(capabilityRequest(lookupIds), (snapshot) => findCapability(snapshot, lookupIds, now())),
    findBelow: (known, ...lookupIds) =>
      engine.read(capabilityRequest(lookupIds), (snapshot) =>
        findCapability(snapshot, lookupIds, now(), known),
      ),
    isAlive: (uid) => engine.read(recordRequest(uid), (snapshot) => isAlive(snapshot, uid, now())),
    isEmpty: engine.isEmpty,
    auditHeads: engine.auditHeads,
    tenant: (uid) => engine.read(recordRequest(uid), (snapshot) => findTenant(snapshot, uid)),
    membrane: (uid) => engine.read(recordRequest(uid), (snapshot) => findMembraneRecord(snapshot, uid)),
    descendants: (root) => countDescendants(engine, root, now),
    tenants: () => listAll(engine, FIRST_TENANTS, (snapshot, page) => listTenants(snapshot, page, now())),
    membranes: (tenant, request) => membranes(engine, tenant, request, now),
    create: async (records, options = {}) => {
      const creation = { records, ...options };
      const { turn, auditHead } = options;
      const request = engine.read(creationOwnerRequest(records, turn), ({ record }) => {
        return { owner: ownerOfCreation(records, record, turn), ...creationRequest(creation) };
      });
      const decide = (snapshot: WriteSnapshot) => decideCreation(snapshot, creation, limits, now());
      return writePrepared(engine, request, withAuditHead(auditHead, decide));
    },
    countUse: (counters, owner) =>
      engine.write({ owner, ...useRequest(counters) }, (snapshot) => decideUse(snapshot, counters, now())),
    checkUse: (counters) =>
      engine.read(useCountsRequest(counters), (snapshot) => checkUse(snapshot, counters, now())),
    rekeyTenant: async (tenant, publicKey, capabilities, auditHead) => {
      const rekey = { tenant, publicKey, capabilities };
      const request = engine.read(creationOwnerRequest(capabilities), ({ record }) => {
        return { owner: ownerOfCreation(capabilities, record), ...rekeyRequest(rekey) };
      });
      const decide = (snapshot: WriteSnapshot) => decideRekey(snapshot, rekey, limits, now());
      return writePrepared(engine, request, withAuditHead(auditHead, decide));
    },
    rekeyCapability: (from, { lookupId, sealed }, owner) => {
      const rekey = { from, lookupId, sealed };
      return engine.write({ owner, ...capabilityRekeyRequest(rekey) }, (snapshot) =>
        decideCapabilityRekey(snapshot, rekey, now()),
      );
    },
    revoke: async (root, actor, auditHead) => {
      const revocation = { root, actor };
      const request = engine.read(recordRequest(root), ({ record }) => {
        const owner = ownerOfRevocation(root, record, actor);
        return { owner, ...revocationRequest(revocation, record(root)) };
      });
      const decide = (snapshot: WriteSnapshot) => decideRevocation(snapshot, revocation, now());
      return writePrepared(engine, request, withAuditHead(auditHead, decide));
    },
    moveAuditHead(head, dropped = []) {
      const changes: readonly Change[] = [
        { type: "moveAuditHead", head },
        ...dropped.map((other): Change => ({ type: "dropAuditHead", head: other })),
      ];
      return engine.write(AUDIT_REQUEST, () => ({ result: undefined, changes }));
    },
    sweep(limit) {
      const request = { limit, expiredBefore: now() - limits.expiredRetentionMs };
      return engine.write(sweepRequest(request), (snapshot) => decideSweep(snapshot, request));
    },
    close: engine.close,
  };
}

/** Nothing waits for it, as for a sweep, and it finds as much space. */
const AUDIT_REQUEST: WriteRequest = {
  class: "sweep",
  owner: NO_OWNER,
  size: { records: 0, sealedBytes: 0 },
};

/** Moves the head of the audit trail with what is decided, if that changes anything. */
function withAuditHead<T>(
  head: AuditHead | undefined,
  decide: (snapshot: WriteSnapshot) => Decision<T>,
): (snapshot: WriteSnapshot) => Decision<T> {
  if (head === undefined) return decide;
  return (snapshot) => {
    const { result, changes } = decide(snapshot);
    return changes.length === 0
      ? { result, changes }
      : { result, changes: [...changes, { type: "moveAuditHead", head }] };
  };
}

/** Writes what a read has prepared, which says in whose turn that is. */
function writePrepared<T>(
  engine: Engine,
  request: MaybePromise<WriteRequest>,
  decide: (snapshot: WriteSnapshot) => Decision<T>,
): MaybePromise<T> {
  return thenMaybe(request, (prepared) => engine.write(prepared, decide));
}

async function membranes(
  engine: Engine,
  tenant: Uid,
  request: MembranePageRequest,
  now: () => number,
): Promise<MembranePage> {
  const { id, limit } = request;
  if (id !== undefined) {
    const name = { owner: tenant, name: id };
    return engine.read({ names: [name] }, (snapshot) => findMembrane(snapshot, name, request, now()));
  }
  const listed = await listAll(engine, firstMembranes(tenant, request), (snapshot, page, before) =>
    listMembranes(snapshot, page, request, before, now()),
  );
  return membranePage(listed, limit);
}

/** Reads page after page, until the list is complete. */
async function listAll<T>(
  engine: Engine,
  first: NamePage,
  list: (snapshot: Snapshot, page: NamePage, listedBefore: number) => ListStep<T>,
): Promise<T[]> {
  const all: T[] = [];
  for (let page: NamePage | undefined = first; page !== undefined;) {
    const current: NamePage = page;
    const { listed, next }: ListStep<T> = await engine.read({ page: current }, (snapshot) =>
      list(snapshot, current, all.length),
    );
    all.push(...listed);
    page = next;
  }
  return all;
}

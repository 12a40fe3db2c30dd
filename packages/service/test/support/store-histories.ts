import { randomBytes } from "node:crypto";
import type { CapabilityToken, Limits } from "capability-protocol";
import { parseExportRequest } from "capability-protocol";
import fc from "fast-check";
import type { RawRecord, RawStore } from "../../../testkit/src/raw-store.ts";
import { contentOf } from "../../src/domain/target.ts";
import type { Uid } from "../../src/domain/uid.ts";
import type { StoredCapability, StoredRecord } from "../../src/store/record.ts";
import type { Store } from "../../src/store/store.ts";
import { StoreCorruptError } from "../../src/store/store.ts";
import { sealTarget } from "../../src/store/target-seal.ts";
import type { MintedCapability, Vault } from "../../src/store/vault.ts";

/** A store that histories change, by its operations and as an attacker who writes to its rows. */
export interface HistoryStore {
  readonly store: Store;
  readonly vault: Vault;
  readonly raw: RawStore;
  readonly clock: { now: number };
}

/** Opens a token as a request does. @param isStale the process has not read the log for some time. */
type OpenToken = (token: CapabilityToken, isStale: boolean) => Promise<unknown>;

const NOTHING = Buffer.alloc(0);

/** What a history has made, oldest first. */
export interface Made {
  readonly tenants: Uid[];
  readonly membranes: { readonly uid: Uid; readonly export: StoredCapability }[];
  readonly capabilities: MintedCapability[];
  /** Rows that were changed, with what was there before. */
  readonly tampered: Map<string, RawRecord>;
}

interface StepLimits {
  readonly expiresInMs: number | null;
  readonly maxBodyBytes: number | null;
}

export type Step =
  | { readonly type: "tenant" }
  | { readonly type: "membrane"; readonly of: number }
  | { readonly type: "export"; readonly through: number; readonly limits: StepLimits }
  | {
      readonly type: "reexport";
      readonly parent: number;
      readonly through: number;
      readonly limits: StepLimits;
    }
  | { readonly type: "revoke"; readonly what: "membrane" | "tenant"; readonly at: number }
  | { readonly type: "sweep" }
  | { readonly type: "wait"; readonly ms: number }
  | { readonly type: "tamper"; readonly at: number; readonly how: "flip" | "remove" | "swap" }
  | { readonly type: "repair" }
  | { readonly type: "open"; readonly at: number; readonly isStale: boolean };

const at = fc.nat(30);
const limits: fc.Arbitrary<StepLimits> = fc.record({
  expiresInMs: fc.option(fc.integer({ min: 1, max: 40 })),
  maxBodyBytes: fc.option(fc.nat(9)),
});
export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.constant({ type: "tenant" } as const) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("membrane" as const), of: at }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("export" as const), through: at, limits }) },
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant("reexport" as const), parent: at, through: at, limits }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("revoke" as const),
      what: fc.constantFrom("membrane", "membrane", "membrane", "tenant" as const),
      at,
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: "sweep" } as const) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 15 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("tamper" as const),
      at,
      how: fc.constantFrom("flip", "remove", "swap" as const),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: "repair" } as const) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant("open" as const), at, isStale: fc.boolean() }) },
);

async function create(on: HistoryStore, ...records: readonly StoredRecord[]): Promise<boolean> {
  // What would depend on something dead, or on a damaged row, is not made.
  return on.store.create(records).then(
    ({ ok }) => ok,
    (error: unknown) => {
      if (error instanceof StoreCorruptError) return false;
      throw error;
    },
  );
}

const content = (() => {
  const request = parseExportRequest({ uri: "https://target.example/" });
  if (!request.ok) throw new TypeError("not an export");
  return contentOf(request.value);
})();

function pick<T>(items: readonly T[], index: number): T | undefined {
  return items[index % Math.max(1, items.length)];
}

export async function makeTenant(on: HistoryStore, made: Made): Promise<void> {
  const { vault } = on;
  const uid = vault.newUid();
  const publicKey = randomBytes(32);
  const record = { type: "tenant", uid, version: 1, name: uid, revoked: false, publicKey } as const;
  if (await create(on, record)) made.tenants.push(uid);
}

export async function makeMembrane(on: HistoryStore, made: Made, of: number): Promise<void> {
  const { vault } = on;
  const tenant = pick(made.tenants, of);
  if (tenant === undefined) return;
  const creating = vault.mint({ kind: "create", resource: tenant }, NOTHING);
  const uid = vault.newUid();
  const exporting = vault.mint({ kind: "export", resource: uid }, NOTHING);
  const revoking = vault.mint({ kind: "revoke", resource: uid }, NOTHING);
  const origin = { tenant, createdBy: creating.record.uid };
  const sealed = { recipientKey: randomBytes(32), sealed: NOTHING };
  const record = {
    type: "membrane",
    uid,
    version: 1,
    name: uid,
    revoked: false,
    ...origin,
    ...sealed,
  } as const;
  if (!(await create(on, creating.record, record, exporting.record, revoking.record))) return;
  made.membranes.push({ uid, export: exporting.record });
  made.capabilities.push(exporting, revoking);
}

function limitsOf(on: HistoryStore, { expiresInMs, maxBodyBytes }: StepLimits): Limits | undefined {
  if (expiresInMs === null && maxBodyBytes === null) return undefined;
  return {
    ...(expiresInMs === null ? {} : { expiresAt: on.clock.now + expiresInMs }),
    ...(maxBodyBytes === null ? {} : { maxBodyBytes }),
  };
}

async function makeCapability(
  on: HistoryStore,
  made: Made,
  { through, limits: own, ...rest }: Extract<Step, { type: "export" | "reexport" }>,
): Promise<void> {
  const { vault } = on;
  const membrane = pick(made.membranes, through);
  if (membrane === undefined) return;
  const provenance = { membrane: membrane.uid, createdBy: membrane.export.uid };
  const uid = vault.newUid();
  const narrowed = limitsOf(on, own);
  const terms = narrowed === undefined ? {} : { own: { limits: narrowed, createdAt: on.clock.now } };
  if (rest.type === "export") {
    const dataKey = randomBytes(32);
    const target = sealTarget({ type: "target", uid, ...provenance }, content, dataKey);
    const minted = vault.mint({ kind: "invoke", resource: uid, ...provenance }, dataKey, terms);
    if (await create(on, target, minted.record)) made.capabilities.push(minted);
    return;
  }
  const parent = pick(made.capabilities, rest.parent);
  if (parent === undefined) return;
  const found = await vault.open(parent.token).catch(() => undefined);
  if (found === undefined) return;
  const { kind, resource } = parent.record;
  const rights = {
    kind,
    parent: parent.record.uid,
    ...provenance,
    ...(resource !== undefined && { resource }),
  };
  const minted = vault.mint(rights, found.payload, { ...terms, inherited: found.limits });
  if (await create(on, minted.record)) made.capabilities.push(minted);
}

async function revoke(
  on: HistoryStore,
  made: Made,
  what: "membrane" | "tenant",
  index: number,
): Promise<void> {
  const root = what === "tenant" ? pick(made.tenants, index) : pick(made.membranes, index)?.uid;
  if (root === undefined) return;
  await on.store.revoke(root, "operator").catch((error: unknown) => {
    if (!(error instanceof StoreCorruptError)) throw error;
  });
}

/** The rows of records that a history has made. */
async function rowsOf(on: HistoryStore, made: Made): Promise<RawRecord[]> {
  const own = new Set<string>([...made.tenants, ...made.membranes.map(({ uid }) => uid)]);
  for (const { record } of made.capabilities) own.add(record.uid).add(record.resource ?? "");
  return (await on.raw.rows("nodes")).filter(({ key }) => own.has(key.toString("hex")));
}

async function tamper(
  on: HistoryStore,
  made: Made,
  index: number,
  how: "flip" | "remove" | "swap",
): Promise<void> {
  const rows = (await rowsOf(on, made)).filter(({ key }) => !made.tampered.has(key.toString("hex")));
  const [row, other] = [pick(rows, index), pick(rows, index + 1)];
  if (row === undefined || other === undefined) return;
  const flipped = Buffer.from(row.value);
  flipped[index % flipped.length]! ^= 1;
  made.tampered.set(row.key.toString("hex"), row);
  await on.raw.write("nodes", row.key, { flip: flipped, remove: undefined, swap: other.value }[how]);
}

export async function repair(on: HistoryStore, made: Made): Promise<void> {
  for (const { key, value } of made.tampered.values()) await on.raw.write("nodes", key, value);
  made.tampered.clear();
}

export async function take(on: HistoryStore, made: Made, next: Step, open: OpenToken): Promise<void> {
  switch (next.type) {
    case "tenant":
      return makeTenant(on, made);
    case "membrane":
      return makeMembrane(on, made, next.of);
    case "export":
    case "reexport":
      return makeCapability(on, made, next);
    case "revoke":
      return revoke(on, made, next.what, next.at);
    case "sweep":
      return void (await on.store.sweep(100).catch(() => undefined));
    case "wait":
      on.clock.now += next.ms;
      return;
    case "tamper":
      return tamper(on, made, next.at, next.how);
    case "repair":
      return repair(on, made);
    case "open": {
      const minted = pick(made.capabilities, next.at);
      if (minted !== undefined) await open(minted.token, next.isStale);
    }
  }
}

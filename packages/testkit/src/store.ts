import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { OpenEngine } from "../../service/src/commands/directory-place.ts";
import type { Capability } from "../../service/src/domain/capability.ts";
import type { Uid } from "../../service/src/domain/uid.ts";
import { DEFAULT_LIMITS } from "../../service/src/service-limits.ts";
import type { Engine, WriteRequest, WriteSnapshot } from "../../service/src/store/engine.ts";
import type { ExportTerms } from "../../service/src/domain/limits.ts";
import type { ServiceKeys } from "../../service/src/store/keys.ts";
import { createServiceKeys } from "../../service/src/store/keys.ts";
import type { Environment } from "../../service/src/store/lmdb/environment.ts";
import { openEnvironment } from "../../service/src/store/lmdb/environment.ts";
import type { StoreLimits } from "../../service/src/store/operations/create-store.ts";
import { createStore } from "../../service/src/store/operations/create-store.ts";
import type {
  StoredCapability,
  StoredMembrane,
  StoredRecord,
  StoredTenant,
} from "../../service/src/store/record.ts";
import { RECORD_VERSIONS } from "../../service/src/store/record.ts";
import type { Store } from "../../service/src/store/store.ts";
import { createVault } from "../../service/src/store/vault.ts";
import { NO_OWNER } from "../../service/src/store/write-owner.ts";
import type { EngineName } from "./engines.ts";
import { engineOfRun, ENGINES } from "./engines.ts";
import type { RawStore } from "./raw-store.ts";
import { STORE_ACCESS } from "./store-access.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** A membrane with its two capabilities. */
export interface TestMembrane {
  readonly record: StoredMembrane;
  readonly export: StoredCapability;
  readonly revoke: StoredCapability;
}

/** A real store in a separate directory that tests fill without HTTP. Its sealed payloads cannot be opened. */
export interface TestStore extends AsyncDisposable {
  readonly store: Store;
  readonly directory: string;
  readonly keys: ServiceKeys;
  readonly tenant: StoredTenant;
  readonly create: StoredCapability;
  /** Closes the store and opens it again. */
  reopen(): Promise<void>;
  newUid(): Uid;
  /** The rows without any checks, as an attacker reads and writes them. */
  openRaw(): Promise<RawStore>;
  /** Closes the store, lets `read` read the tables of LMDB, and opens the store again. */
  readTables<T>(read: (environment: Environment) => T | Promise<T>): Promise<T>;
  /** Reads what a write would read. */
  readSnapshot<T>(
    request: Pick<WriteRequest, "uids" | "quotas">,
    read: (snapshot: WriteSnapshot) => T,
  ): Promise<T>;
  /** Removes all counts from a store that is closed meanwhile. */
  dropCounts(): Promise<void>;
  membrane(name: string, create?: StoredCapability): Promise<TestMembrane>;
  /** Makes a capability, and throws a denial. By default its uses are not counted, and nothing narrows it. */
  capability(
    rights: Omit<Capability, "type" | "uid" | "expiresAt">,
    options?: { readonly isCounted?: boolean; readonly terms?: ExportTerms },
  ): Promise<StoredCapability>;
  reexport(parent: StoredCapability, through: TestMembrane, terms?: ExportTerms): Promise<StoredCapability>;
  /** Whether the capability works, looked up as with its token. */
  isAlive(capability: StoredCapability): Promise<boolean>;
  /** Whether the record exists, alive or not. */
  has(capability: StoredCapability): Promise<boolean>;
}

/**
 * @param engineName default: the engine of the run.
 * @param now the time of day in milliseconds since 1970.
 * @param openEngine opens the engine of that name.
 */
export async function openTestStore(
  limits: Partial<StoreLimits> = {},
  engineName: EngineName = engineOfRun(),
  now: () => number = Date.now,
  openEngine: OpenEngine = ENGINES[engineName],
): Promise<TestStore> {
  const directory = await temporaryDirectory();
  const keys = createServiceKeys(randomBytes(32));
  const { openRaw, dropCounts } = STORE_ACCESS[engineName];
  let engine: Engine;
  const open = async (): Promise<Store> => {
    engine = await openEngine({
      directory: join(directory.path, "store"),
      keys,
      writeTimeoutMs: 2_000,
      reserveBytes: 0,
    });
    return createStore(engine, { ...DEFAULT_LIMITS, ...limits }, now);
  };
  let store = await open();
  const vault = createVault(store, keys, randomBytes);
  const nothing = Buffer.alloc(0);
  const tenant: StoredTenant = {
    type: "tenant",
    uid: vault.newUid(),
    version: RECORD_VERSIONS.tenant,
    name: "tenant",
    revoked: false,
    publicKey: randomBytes(32),
  };
  const create = vault.mint({ kind: "create", resource: tenant.uid }, nothing).record;

  const made = async <T>(value: T, ...records: readonly StoredRecord[]): Promise<T> => {
    const created = await store.create(records);
    if (!created.ok) throw new Error(`not made: ${created.error.reason}`);
    return value;
  };
  const capability: TestStore["capability"] = async (rights, { isCounted, terms } = {}) => {
    const { record } = vault.mint(rights, nothing, terms);
    const created = await store.create([record], isCounted === true ? { newCounters: [record.uid] } : {});
    if (!created.ok) throw new Error(`not made: ${created.error.reason}`);
    return record;
  };
  const readTables: TestStore["readTables"] = async (read) => {
    await store.close();
    const environment = await openEnvironment(join(directory.path, "store"), 2_000);
    try {
      return await read(environment);
    } finally {
      await environment.close();
      store = await open();
    }
  };
  await made(undefined, tenant, create);
  return {
    get store() {
      return store;
    },
    directory: directory.path,
    keys,
    tenant,
    create,
    capability,
    async reopen() {
      await store.close();
      store = await open();
    },
    readTables,
    newUid: vault.newUid,
    openRaw: () => openRaw(directory.path),
    readSnapshot: (request, read) =>
      engine.write(
        { ...request, class: "create", owner: NO_OWNER, size: { records: 0, sealedBytes: 0 } },
        (snapshot) => ({ result: read(snapshot), changes: [] }),
      ),
    async dropCounts() {
      await store.close();
      await dropCounts(directory.path);
      store = await open();
    },
    membrane(name, by = create) {
      const record: StoredMembrane = {
        type: "membrane",
        uid: vault.newUid(),
        version: RECORD_VERSIONS.membrane,
        tenant: tenant.uid,
        name,
        revoked: false,
        createdBy: by.uid,
        recipientKey: tenant.publicKey,
        sealed: nothing,
      };
      const exporting = vault.mint({ kind: "export", resource: record.uid }, nothing).record;
      const revoking = vault.mint({ kind: "revoke", resource: record.uid }, nothing).record;
      return made({ record, export: exporting, revoke: revoking }, record, exporting, revoking);
    },
    reexport(parent, through, terms = {}) {
      const { kind, resource, uid } = parent;
      const place: { resource?: Uid } = resource === undefined ? {} : { resource };
      const { uid: membrane } = through.record;
      const rights = { ...place, kind, parent: uid, membrane, createdBy: through.export.uid };
      return capability(rights, { terms });
    },
    isAlive: async ({ lookupId }) => (await store.find(lookupId))?.verdict.ok === true,
    has: async ({ lookupId }) => (await store.find(lookupId)) !== undefined,
    async [Symbol.asyncDispose]() {
      await store.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

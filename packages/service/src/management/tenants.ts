import type { Authority, Result, TenantCapabilities } from "capability-protocol";
import { err, ok } from "capability-protocol";
import type { CreationDenial } from "../domain/creation.ts";
import type { Actor } from "../domain/change.ts";
import type { Changes, StoreReader } from "./changes.ts";
import type { Vault } from "../store/vault.ts";
import { formatUri } from "./capability-uri.ts";
import { formatTenantUris, insertTenant, mintTenantCapabilities, newTenant } from "./provision.ts";
import { newTenantKeys } from "./tenant-keys.ts";

/** What the operator's commands need. The store and the service key are open, so no capability is needed. */
export interface OperatorContext {
  readonly store: StoreReader;
  readonly changes: Changes;
  /** The command that is recorded with each change. */
  readonly actor: Actor;
  readonly vault: Vault;
  readonly authority: Authority;
}

/** The capabilities of a new service, which are shown once. */
export interface FirstCapabilities {
  readonly tenant: string;
  readonly capabilities: TenantCapabilities;
  readonly operator: { readonly provision: string };
}

const FIRST_TENANT = "default";

/**
 * @param persist is called before the tenant is stored, and its errors end the call: no later start could show the capabilities.
 * @returns nothing if the store has had a tenant before: its capabilities were shown then.
 */
export async function createFirstTenant(
  context: OperatorContext,
  persist: (first: FirstCapabilities) => Promise<void> = () => Promise.resolve(),
): Promise<FirstCapabilities | undefined> {
  const { store, changes, actor, vault, authority } = context;
  if (!(await store.isEmpty())) return undefined;
  const provision = vault.mint({ kind: "provision" }, Buffer.alloc(0));
  const { tokens, records } = newTenant(vault, FIRST_TENANT);
  const first: FirstCapabilities = {
    tenant: FIRST_TENANT,
    capabilities: formatTenantUris(authority, tokens),
    operator: { provision: formatUri(authority, provision.token) },
  };
  await persist(first);
  const created = await changes.create(actor, [...records, provision.record]);
  // Another process that started at the same time was first.
  return created.ok ? first : undefined;
}

export async function createTenant(
  context: OperatorContext,
  name: string,
): Promise<Result<TenantCapabilities, CreationDenial>> {
  const inserted = await insertTenant(context, context.actor, name);
  return inserted.ok ? ok(formatTenantUris(context.authority, inserted.value)) : inserted;
}

/**
 * Gives a tenant new capabilities when it has lost its own. The new `query` has a new key pair and lists membranes that are made
 * from now on; the tokens of older ones were sealed to the lost key and cannot be opened. The old capabilities still work for
 * their holders: `deleteSelf` ends the tenant with all of them.
 *
 * @returns `lineage_dead` if no tenant of this name is alive.
 */
export async function reissueTenant(
  { store, changes, actor, vault, authority }: OperatorContext,
  name: string,
): Promise<Result<TenantCapabilities, CreationDenial>> {
  const tenant = (await store.tenants()).find((candidate) => candidate.name === name);
  if (tenant === undefined) return err({ reason: "lineage_dead" });
  const keys = newTenantKeys();
  const { tokens, records } = mintTenantCapabilities(vault, tenant.uid, keys);
  const rekeyed = await changes.rekeyTenant(actor, tenant.uid, keys.publicKey, records);
  return rekeyed.ok ? ok(formatTenantUris(authority, tokens)) : rekeyed;
}

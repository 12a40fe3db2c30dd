import type { Authority, Result, TenantCapabilities } from "capability-protocol";
import { err, ok } from "capability-protocol";
import type { CreationDenial } from "../domain/creation.ts";
import type { Store } from "../store/store.ts";
import type { Vault } from "../store/vault.ts";
import { formatUri } from "./capability-uri.ts";
import { formatTenantUris, insertTenant, mintTenantCapabilities, newTenant } from "./provision.ts";
import { newTenantKeys } from "./tenant-keys.ts";

/** What the operator does at the machine itself, with the store and the service key at hand. */
export interface OperatorContext {
  readonly store: Store;
  readonly vault: Vault;
  readonly authority: Authority;
}

/** What a new service says once and never again. */
export interface FirstCapabilities {
  readonly tenant: string;
  readonly capabilities: TenantCapabilities;
  readonly operator: { readonly provision: string };
}

const FIRST_TENANT = "default";

/**
 * @param persist runs before the tenant is stored: a start that cannot keep the capabilities makes none, since no later one
 *   could show them. Its errors end the call.
 * @returns nothing if the store has had a tenant before: its capabilities were shown then.
 */
export async function createFirstTenant(
  context: OperatorContext,
  persist: (first: FirstCapabilities) => Promise<void> = () => Promise.resolve(),
): Promise<FirstCapabilities | undefined> {
  const { store, vault, authority } = context;
  if (!(await store.isEmpty())) return undefined;
  const provision = vault.mint({ kind: "provision" }, Buffer.alloc(0));
  const { tokens, records } = newTenant(vault, FIRST_TENANT);
  const first: FirstCapabilities = {
    tenant: FIRST_TENANT,
    capabilities: formatTenantUris(authority, tokens),
    operator: { provision: formatUri(authority, provision.token) },
  };
  await persist(first);
  const denial = await store.create([...records, provision.record]);
  // Another process that started at the same time was first.
  return denial === undefined ? first : undefined;
}

export async function createTenant(
  { store, vault, authority }: OperatorContext,
  name: string,
): Promise<Result<TenantCapabilities, CreationDenial>> {
  const inserted = await insertTenant(store, vault, name);
  return inserted.ok ? ok(formatTenantUris(authority, inserted.value)) : inserted;
}

/**
 * Gives a tenant new capabilities when its own are lost. The new `query` has a key pair of its own and lists what is made
 * from now on; what older membranes hold was sealed to the lost key and stays closed. The old capabilities go on working
 * for whoever has them: `deleteSelf` ends the tenant with all of them.
 *
 * @returns `lineage_dead` if no tenant of this name is alive.
 */
export async function reissueTenant(
  { store, vault, authority }: OperatorContext,
  name: string,
): Promise<Result<TenantCapabilities, CreationDenial>> {
  const tenant = (await store.tenants()).find((candidate) => candidate.name === name);
  if (tenant === undefined) return err({ reason: "lineage_dead" });
  const keys = newTenantKeys();
  const { tokens, records } = mintTenantCapabilities(vault, tenant.uid, keys);
  const denial = await store.rekeyTenant(tenant.uid, keys.publicKey, records);
  return denial === undefined ? ok(formatTenantUris(authority, tokens)) : err(denial);
}

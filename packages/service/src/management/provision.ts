import type {
  Authority,
  CapabilityToken,
  ProvisionRequest,
  Result,
  TenantCapabilities,
} from "capability-protocol";
import { err, ok } from "capability-protocol";
import { denialOfCreation } from "../domain/creation-denial.ts";
import type { Outcome } from "../domain/denial.ts";
import type { CreationDenial } from "../domain/creation.ts";
import type { Uid } from "../domain/uid.ts";
import type { StoredCapability, StoredTenant } from "../store/record.ts";
import { RECORD_VERSIONS } from "../store/record.ts";
import type { Vault } from "../store/vault.ts";
import type { Actor } from "../domain/change.ts";
import type { Changes } from "./changes.ts";
import type { ManagementResponse, Caller, ManagementContext } from "./context.ts";
import { actorOf } from "./context.ts";
import { formatUri } from "./capability-uri.ts";
import type { TenantKeys } from "./tenant-keys.ts";
import { formatTenantKeys, newTenantKeys } from "./tenant-keys.ts";

/** The tokens of a tenant's own capabilities. */
export interface TenantTokens {
  readonly create: CapabilityToken;
  readonly query: CapabilityToken;
  readonly deleteSelf: CapabilityToken;
}

/** Creates a tenant for the holder of the operator's `provision` capability. */
export async function provision(
  context: ManagementContext,
  caller: Caller,
  request: ProvisionRequest,
): Promise<Outcome<ManagementResponse>> {
  const inserted = await insertTenant(context, actorOf(caller), request.id, caller);
  if (!inserted.ok) return err(denialOfCreation(inserted.error));
  return ok({
    status: 201,
    body: { id: request.id, capabilities: formatTenantUris(context.authority, inserted.value) },
  });
}

/** The capability URIs of a tenant, as clients and the operator see them. */
export function formatTenantUris(authority: Authority, tokens: TenantTokens): TenantCapabilities {
  return {
    create: formatUri(authority, tokens.create),
    query: formatUri(authority, tokens.query),
    deleteSelf: formatUri(authority, tokens.deleteSelf),
  };
}

/**
 * Makes a tenant with its capabilities.
 *
 * @param caller who has the `provision` capability; absent for the operator.
 */
export async function insertTenant(
  { changes, vault }: { readonly changes: Changes; readonly vault: Vault },
  actor: Actor,
  name: string,
  caller?: Caller,
): Promise<Result<TenantTokens, CreationDenial>> {
  const { tokens, records } = newTenant(vault, name, caller?.capability.uid);
  const created = await changes.create(actor, records, { useCounters: caller?.useCounters });
  return created.ok ? ok(tokens) : created;
}

/** A tenant and its capabilities, not stored yet. */
export function newTenant(
  vault: Vault,
  name: string,
  createdBy?: Uid,
): { readonly tokens: TenantTokens; readonly records: readonly [StoredTenant, ...StoredCapability[]] } {
  const uid = vault.newUid();
  const keys = newTenantKeys();
  const tenant: StoredTenant = {
    type: "tenant",
    uid,
    version: RECORD_VERSIONS.tenant,
    name,
    revoked: false,
    ...(createdBy === undefined ? {} : { createdBy }),
    publicKey: keys.publicKey,
  };
  const { tokens, records } = mintTenantCapabilities(vault, uid, keys);
  return { tokens, records: [tenant, ...records] };
}

/** The three capabilities that act on a tenant; only `query` can open the tokens of its membranes. */
export function mintTenantCapabilities(
  vault: Vault,
  tenant: Uid,
  keys: TenantKeys,
): { readonly tokens: TenantTokens; readonly records: readonly StoredCapability[] } {
  const nothing = Buffer.alloc(0);
  const create = vault.mint({ kind: "create", resource: tenant }, nothing);
  const query = vault.mint({ kind: "query", resource: tenant }, formatTenantKeys(keys));
  const deleteSelf = vault.mint({ kind: "deleteSelf", resource: tenant }, nothing);
  return {
    tokens: { create: create.token, query: query.token, deleteSelf: deleteSelf.token },
    records: [create.record, query.record, deleteSelf.record],
  };
}

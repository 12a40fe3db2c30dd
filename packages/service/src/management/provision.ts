import type { Authority, CapabilityToken, ProvisionRequest, TenantCapabilities } from "capability-protocol";
import type { Outcome } from "../domain/denial.ts";
import { accept, deny } from "../domain/denial.ts";
import type { MakingDenial } from "../domain/making.ts";
import type { Uid } from "../domain/uid.ts";
import type { StoredCapability, StoredTenant } from "../store/record.ts";
import type { Vault } from "../store/vault.ts";
import type { Store } from "../store/store.ts";
import type { Answer, Caller, ManagementContext } from "./context.ts";
import { denialOf, issue } from "./issue.ts";
import type { TenantKeys } from "./tenant-keys.ts";
import { formatTenantKeys, newTenantKeys } from "./tenant-keys.ts";

/** The tokens of a tenant's own capabilities. */
export interface TenantTokens {
  readonly create: CapabilityToken;
  readonly query: CapabilityToken;
  readonly deleteSelf: CapabilityToken;
}

/** Makes a tenant on behalf of whoever holds the operator's `provision` capability. */
export async function provision(
  context: ManagementContext,
  caller: Caller,
  request: ProvisionRequest,
): Promise<Outcome<Answer>> {
  const { store, vault, authority } = context;
  const made = await makeTenant(store, vault, request.id, { madeWith: caller.capability.uid });
  if (!made.ok) return deny(denialOf(made.denial));
  return accept({ status: 201, body: { id: request.id, capabilities: issueAll(authority, made.tokens) } });
}

/** The capability URIs of a tenant, as clients and the operator see them. */
export function issueAll(authority: Authority, tokens: TenantTokens): TenantCapabilities {
  return {
    create: issue(authority, tokens.create),
    query: issue(authority, tokens.query),
    deleteSelf: issue(authority, tokens.deleteSelf),
  };
}

/** Makes a tenant with its capabilities. */
export async function makeTenant(
  store: Store,
  vault: Vault,
  name: string,
  options: {
    /** The `provision` capability; absent when the operator does it at the machine itself. */
    readonly madeWith?: Uid;
  } = {},
): Promise<{ ok: true; tokens: TenantTokens } | { ok: false; denial: MakingDenial }> {
  const { tokens, records } = newTenant(vault, name, options.madeWith);
  const denial = await store.make(records);
  return denial === undefined ? { ok: true, tokens } : { ok: false, denial };
}

/** A tenant and its capabilities, not stored yet. */
export function newTenant(
  vault: Vault,
  name: string,
  madeWith?: Uid,
): { readonly tokens: TenantTokens; readonly records: readonly [StoredTenant, ...StoredCapability[]] } {
  const uid = vault.newUid();
  const keys = newTenantKeys();
  const tenant: StoredTenant = {
    type: "tenant",
    uid,
    name,
    revoked: false,
    ...(madeWith === undefined ? {} : { madeWith }),
    publicKey: keys.publicKey,
  };
  const { tokens, records } = mintAll(vault, uid, keys);
  return { tokens, records: [tenant, ...records] };
}

/** The three capabilities that act on a tenant; only `query` can open what its membranes hold. */
export function mintAll(
  vault: Vault,
  tenant: Uid,
  keys: TenantKeys,
): { readonly tokens: TenantTokens; readonly records: readonly StoredCapability[] } {
  const nothing = Buffer.alloc(0);
  const create = vault.mint({ kind: "create", subject: tenant }, nothing);
  const query = vault.mint({ kind: "query", subject: tenant }, formatTenantKeys(keys));
  const deleteSelf = vault.mint({ kind: "deleteSelf", subject: tenant }, nothing);
  return {
    tokens: { create: create.token, query: query.token, deleteSelf: deleteSelf.token },
    records: [create.record, query.record, deleteSelf.record],
  };
}

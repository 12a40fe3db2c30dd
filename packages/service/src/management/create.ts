import type { CreateRequest } from "capability-protocol";
import { err, ok, tokenBytes } from "capability-protocol";
import { denialOfCreation } from "../domain/creation-denial.ts";
import type { Outcome } from "../domain/denial.ts";
import { encodeColumns } from "../store/codec/columns.ts";
import type { StoredMembrane } from "../store/record.ts";
import { associatedData, RECORD_VERSIONS } from "../store/record.ts";
import { sealForRecipient } from "../store/seal.ts";
import type { ManagementResponse, Caller, ManagementContext } from "./context.ts";
import { actorOf } from "./context.ts";
import { formatUri } from "./capability-uri.ts";
import { resourceOf } from "./resource.ts";

/** Makes a membrane with its two capabilities. Their tokens are sealed to the tenant's public key: `create` cannot read them later. */
export async function create(
  context: ManagementContext,
  caller: Caller,
  request: CreateRequest,
): Promise<Outcome<ManagementResponse>> {
  const { store, changes, vault, authority } = context;
  const tenant = await store.tenant(resourceOf(caller));
  if (tenant === undefined) return err({ reason: "unauthorized" });

  const uid = vault.newUid(tenant.uid);
  const nothing = Buffer.alloc(0);
  const exporting = vault.mint({ kind: "export", resource: uid }, nothing);
  const revoking = vault.mint({ kind: "revoke", resource: uid }, nothing);
  const membrane = {
    type: "membrane",
    uid,
    version: RECORD_VERSIONS.membrane,
    tenant: tenant.uid,
    name: request.id,
    revoked: false,
    createdBy: caller.capability.uid,
    recipientKey: tenant.publicKey,
  } satisfies Omit<StoredMembrane, "sealed">;
  const tokens = encodeColumns([tokenBytes(exporting.token), tokenBytes(revoking.token)]);
  const stored: StoredMembrane = {
    ...membrane,
    sealed: sealForRecipient(tenant.publicKey, tokens, associatedData(membrane)),
  };

  const records = [stored, exporting.record, revoking.record];
  const created = await changes.create(actorOf(caller), records, { useCounters: caller.useCounters });
  if (!created.ok) return err(denialOfCreation(created.error));
  return ok({
    status: 201,
    body: {
      id: request.id,
      capabilities: {
        export: formatUri(authority, exporting.token),
        revoke: formatUri(authority, revoking.token),
      },
    },
  });
}

import type { CreateRequest } from "capability-protocol";
import { tokenBytes } from "capability-protocol";
import type { Outcome } from "../domain/denial.ts";
import { accept, deny } from "../domain/denial.ts";
import type { Membrane } from "../domain/membrane.ts";
import { frame } from "../store/frame.ts";
import type { StoredMembrane } from "../store/record.ts";
import { boundColumns } from "../store/record.ts";
import { sealTo } from "../store/seal.ts";
import type { Answer, Caller, ManagementContext } from "./context.ts";
import { denialOf, issue } from "./issue.ts";
import { subjectOf } from "./subject.ts";

/** Makes a membrane with its two capabilities. They are sealed to the tenant: `create` itself cannot read them back. */
export async function create(
  context: ManagementContext,
  caller: Caller,
  request: CreateRequest,
): Promise<Outcome<Answer>> {
  const { store, vault, authority } = context;
  const tenant = await store.tenant(subjectOf(caller));
  if (tenant === undefined) return deny({ reason: "unauthorized" });

  const uid = vault.newUid();
  const nothing = Buffer.alloc(0);
  const exporting = vault.mint({ kind: "export", subject: uid }, nothing);
  const revoking = vault.mint({ kind: "revoke", subject: uid }, nothing);
  const membrane = {
    type: "membrane",
    uid,
    tenant: tenant.uid,
    name: request.id,
    revoked: false,
    madeWith: caller.capability.uid,
    sealedTo: tenant.publicKey,
  } satisfies Membrane & { sealedTo: Buffer };
  const tokens = frame([tokenBytes(exporting.token), tokenBytes(revoking.token)]);
  const stored: StoredMembrane = {
    ...membrane,
    sealed: sealTo(tenant.publicKey, tokens, boundColumns(membrane)),
  };

  const denied = await store.make([stored, exporting.record, revoking.record]);
  if (denied !== undefined) return deny(denialOf(denied));
  return accept({
    status: 201,
    body: {
      id: request.id,
      capabilities: { export: issue(authority, exporting.token), revoke: issue(authority, revoking.token) },
    },
  });
}

import type { AcceptedResponse } from "capability-protocol";
import { err, ok } from "capability-protocol";
import type { Outcome } from "../domain/denial.ts";
import type { ManagementResponse, Caller, ManagementContext } from "./context.ts";
import { actorOf } from "./context.ts";
import { resourceOf } from "./resource.ts";

/** Revokes what the capability acts on, a membrane or a tenant, and with it all that descends from it. */
export async function revoke(
  context: ManagementContext,
  caller: Caller,
): Promise<Outcome<ManagementResponse>> {
  const resource = resourceOf(caller);
  const root = caller.capability.kind === "deleteSelf" ? { tenant: resource } : { membrane: resource };
  const revoked = await context.changes.revoke(actorOf(caller), root);
  if (!revoked.ok) return err({ reason: "unauthorized" });
  context.onRevoked();
  const body: AcceptedResponse = { statusCode: 202, message: "Accepted" };
  return ok({ status: 202, body });
}

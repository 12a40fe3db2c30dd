import type { AcceptedResponse } from "capability-protocol";
import { err, ok } from "capability-protocol";
import type { Outcome } from "../domain/denial.ts";
import type { ManagementResponse, Caller, ManagementContext } from "./context.ts";
import { resourceOf } from "./resource.ts";

/** Revokes what the capability acts on, a membrane or a tenant, and with it all that descends from it. */
export async function revoke(
  context: ManagementContext,
  caller: Caller,
): Promise<Outcome<ManagementResponse>> {
  const done = await context.store.revoke(resourceOf(caller), caller.capability.uid);
  if (done === "denied") return err({ reason: "unauthorized" });
  context.onRevoked();
  const body: AcceptedResponse = { statusCode: 202, message: "Accepted" };
  return ok({ status: 202, body });
}

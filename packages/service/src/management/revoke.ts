import type { Accepted } from "capability-protocol";
import type { Outcome } from "../domain/denial.ts";
import { accept, deny } from "../domain/denial.ts";
import type { Answer, Caller, ManagementContext } from "./context.ts";
import { subjectOf } from "./subject.ts";

/** Revokes what the capability acts on, a membrane or a tenant, and with it all that descends from it. */
export async function revoke(context: ManagementContext, caller: Caller): Promise<Outcome<Answer>> {
  const done = await context.store.revoke(subjectOf(caller), caller.capability.uid);
  if (done === "denied") return deny({ reason: "unauthorized" });
  context.revoked();
  const body: Accepted = { statusCode: 202, message: "Accepted" };
  return accept({ status: 202, body });
}

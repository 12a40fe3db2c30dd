import { randomUUID } from "node:crypto";
import { createMembrane, exportThrough } from "./client.ts";

/** Exports a target or a capability through a new membrane. */
export async function exportTarget(
  service: { readonly url: string; readonly tokens: { readonly create: string } },
  body: object,
): Promise<{ readonly token: string; readonly revoke: string; readonly export: string }> {
  const membrane = await createMembrane(service, service.tokens.create, randomUUID());
  return { token: await exportThrough(service, membrane.export, body), ...membrane };
}

import type { Limits } from "capability-protocol";
import { parseToken } from "capability-protocol";
import type { TestService } from "./service.ts";

/** Makes a re-export with limits through a membrane, in the store of a running service. @returns its token. */
export async function reexportLimited(
  { data }: TestService,
  { token, through }: { readonly token: string; readonly through: string },
  limits: Limits,
  createdAt: number = Date.now(),
): Promise<string> {
  const open = async (text: string) => (await data.vault.open(parseToken(text)!))!;
  const [parent, exporting] = [await open(token), await open(through)];
  const { kind, resource, uid } = parent.capability;
  const minted = data.vault.mint(
    {
      kind,
      parent: uid,
      membrane: exporting.capability.resource!,
      createdBy: exporting.capability.uid,
      ...(resource === undefined ? {} : { resource }),
    },
    parent.payload,
    { own: { createdAt, limits }, inherited: parent.limits },
  );
  const created = await data.store.create([minted.record], { counted: minted.counted });
  if (!created.ok) throw new Error(`not made: ${created.error.reason}`);
  return minted.token;
}

import { randomBytes } from "node:crypto";
import { parseToken } from "capability-protocol";
import type { Uid } from "../../service/src/domain/uid.ts";
import { uidBytes } from "../../service/src/domain/uid.ts";
import { decodeColumns, encodeColumns, textColumn } from "../../service/src/store/codec/columns.ts";
import { associatedData } from "../../service/src/store/record.ts";
import { seal } from "../../service/src/store/seal.ts";
import { createVault } from "../../service/src/store/vault.ts";
import { openRawStore } from "./store-access.ts";
import type { TestService } from "./service.ts";

/** Changes the columns of a record, with a right MAC, as a newer program could have written it. */
export async function rewriteRecord(
  service: TestService,
  uid: Uid,
  change: (columns: Buffer[]) => readonly Buffer[],
): Promise<void> {
  await using raw = await openRawStore(service.directory);
  const key = uidBytes(uid);
  const row = (await raw.rows("nodes")).find((one) => one.key.equals(key))!;
  const body = encodeColumns(change(decodeColumns(row.value.subarray(0, -32))));
  const mac = service.data.keys.rowMac(encodeColumns([textColumn("nodes"), key, body]));
  await raw.write("nodes", key, Buffer.concat([body, mac]));
}

/**
 * Stores a target as the first exports did, with the JSON of their body, without a check of what it says.
 *
 * @param exportToken of the membrane.
 * @returns the token of its capability.
 */
export async function storeTargetOfVersion1(
  { data }: TestService,
  exportToken: string,
  body: object,
): Promise<string> {
  const vault = createVault(data.store, data.keys, randomBytes);
  const { capability: exporting } = (await vault.open(parseToken(exportToken)!))!;
  const [membrane, createdBy] = [exporting.resource!, exporting.uid];
  const target = { type: "target", uid: vault.newUid(), version: 1, membrane, createdBy } as const;
  const dataKey = randomBytes(32);
  const sealed = seal(dataKey, Buffer.from(JSON.stringify(body)), associatedData(target));
  const minted = vault.mint({ kind: "invoke", resource: target.uid, membrane, createdBy }, dataKey);
  const created = await data.store.create([{ ...target, sealed }, minted.record]);
  if (!created.ok) throw new Error(`the target was not stored: ${created.error.reason}`);
  return minted.token;
}

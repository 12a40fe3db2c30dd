import { expect, test } from "vitest";
import { StoreCorruptError } from "../../src/store/store.ts";
import { createMembrane } from "../../../testkit/src/client.ts";
import type { RawRecord } from "../../../testkit/src/raw-store.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { openRawStore } from "../../../testkit/src/store-access.ts";

function flipped(value: Buffer, byte: number): Buffer {
  const copy = Buffer.from(value);
  copy[byte]! ^= 1;
  return copy;
}

test.each(["sweep", "children"] as const)(
  "a row of %s that was changed stops the sweep before it deletes anything else",
  async (table) => {
    await using service = await startTestService();
    const { store } = service.data;
    await using raw = await openRawStore(service.directory);
    const membrane = await createMembrane(service, service.tokens.create, "m");
    const alive = (await raw.rows("nodes")).length;
    const opened = await service.data.vault.open(membrane.revoke as never);
    // Directly in the store, so that the service's sweeper is not woken.
    await store.revoke(opened!.capability.resource!, opened!.capability.uid);
    const root = Buffer.from(opened!.capability.resource!, "hex");
    const isBelow = ({ key }: RawRecord): boolean => key.subarray(0, 16).equals(root) && key[16] !== 1;
    const rows = (await raw.rows(table)).filter(isBelow);
    expect(rows).not.toHaveLength(0);
    for (const row of rows) {
      for (let byte = 0; byte < row.value.length; byte += 1) {
        await raw.write(table, row.key, flipped(row.value, byte));
        await expect(store.sweep(100), `byte ${byte}`).rejects.toThrow(StoreCorruptError);
      }
      await raw.write(table, row.key, row.value);
      expect(await raw.rows("nodes")).toHaveLength(alive);
    }
  },
);

test("an index row that was moved, so that a live record would descend from a revoked one, stops the sweep", async () => {
  await using service = await startTestService();
  const { store, vault } = service.data;
  await using raw = await openRawStore(service.directory);
  const dead = await createMembrane(service, service.tokens.create, "dead");
  const living = await createMembrane(service, service.tokens.create, "living");
  const revoking = await vault.open(dead.revoke as never);
  const victim = await vault.open(living.export as never);
  await store.revoke(revoking!.capability.resource!, revoking!.capability.uid);
  const key = Buffer.concat([
    Buffer.from(revoking!.capability.resource!, "hex"),
    Buffer.from([0]),
    Buffer.from(victim!.capability.uid, "hex"),
  ]);
  for (const { value } of await raw.rows("children")) {
    await raw.write("children", key, value);
    await expect(store.sweep(100)).rejects.toThrow(StoreCorruptError);
  }
  expect(await vault.open(living.export as never)).toBeDefined();
});

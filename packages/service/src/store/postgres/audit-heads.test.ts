import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { openPostgresStore } from "../../../../testkit/src/postgres-nodes.ts";

test("a revoke waits for no other commit that moves the head of the same writer", async () => {
  await using store = await openPostgresStore();
  const { at } = store;
  const head = (sequence: number) => ({
    writer: "ab".repeat(16),
    sequence,
    mac: randomBytes(32),
    time: sequence,
    startedAt: 1,
  });
  const membrane = await at.membrane("m");
  await at.store.moveAuditHead(head(1));
  const lock = "DELETE FROM membrane.audit";
  const revoked = await store.during(lock, () => at.store.revoke(membrane.record.uid, "operator", head(2)));
  expect(revoked).toMatchObject({ ok: true });
  const sequences = async () =>
    (await at.store.auditHeads()).heads.map(({ sequence }) => sequence).toSorted((a, b) => a - b);
  // The other commit was undone: its row is removed with the next one.
  expect(await sequences()).toEqual([1, 2]);
  await at.store.moveAuditHead(head(3));
  expect(await sequences()).toEqual([3]);
});

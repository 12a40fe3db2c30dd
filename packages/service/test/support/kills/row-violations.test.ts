import { expect, test } from "vitest";
import { openTestStore } from "../../../../testkit/src/store.ts";
import { uidBytes } from "../../../src/domain/uid.ts";
import { rowViolations } from "./row-violations.ts";

test("between the batches of a sweep, whose first removes what others depend on, no record is there in part", async () => {
  await using at = await openTestStore({}, "lmdb");
  const one = await at.membrane("one");
  const other = await at.membrane("other");
  let last = one.export;
  for (let depth = 0; depth < 3; depth += 1) last = await at.reexport(last, other);
  await using raw = await at.openRaw();
  const violations = async () => rowViolations(await raw.rows());
  await at.store.revoke(one.record.uid, "operator");
  expect(await violations()).toEqual([]);
  let batches = 0;
  for (let more = true; more; batches += 1) {
    ({ more } = await at.store.sweep(1));
    expect(await violations()).toEqual([]);
  }
  expect(batches).toBeGreaterThan(3);
});

test("a record that was removed alone is found by what leads to it", async () => {
  await using at = await openTestStore({}, "lmdb");
  const one = await at.membrane("one");
  await using raw = await at.openRaw();
  await raw.write("nodes", uidBytes(one.export.uid), undefined);
  expect(rowViolations(await raw.rows())).toContain(`a row in lookups leads to ${one.export.uid}`);
  await at.store.revoke(one.record.uid, "operator");
  await raw.write("nodes", uidBytes(one.record.uid), undefined);
  expect(rowViolations(await raw.rows())).toContain(`a row in sweep leads to ${one.record.uid}`);
});

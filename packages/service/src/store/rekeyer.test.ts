import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { parseUid } from "../domain/uid.ts";
import type { StoredCapability } from "./record.ts";
import { createRekeyer } from "./rekeyer.ts";
import type { Store } from "./store.ts";
import { StoreBusyError, StoreCorruptError, StoreFailedError, StoreFullError } from "./store.ts";
import { NO_OWNER } from "./write-owner.ts";

const RESEALED = { lookupId: randomBytes(32), sealed: randomBytes(28) };

function capability(): StoredCapability {
  const uid = parseUid(randomBytes(16).toString("hex"));
  const sealed = { lookupId: randomBytes(32), sealed: randomBytes(28) };
  return { type: "capability", uid, version: 1, kind: "create", ...sealed };
}

/** A rekeyer over writes that end when the test says so. */
function pending() {
  const writes: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];
  const faults: unknown[] = [];
  const rekeyed: string[] = [];
  const clock = { now: 0 };
  const rekeyCapability: Store["rekeyCapability"] = () =>
    new Promise((resolve, reject) => writes.push({ resolve: () => resolve(true), reject }));
  const rekey = createRekeyer({ rekeyCapability }, () => clock.now, {
    onRekeyed: (uid) => rekeyed.push(uid),
    onFault: (error) => faults.push(error),
  });
  const offer = (offered: StoredCapability): void => rekey(offered, () => RESEALED, NO_OWNER);
  return { writes, faults, rekeyed, clock, offer };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a capability that is presented often is rekeyed once at a time, and few are at once", async () => {
  const { writes, rekeyed, offer } = pending();
  const hot = capability();
  for (let request = 0; request < 100; request += 1) offer(hot);
  expect(writes).toHaveLength(1);
  for (let request = 0; request < 100; request += 1) offer(capability());
  expect(writes).toHaveLength(16);
  writes[0]!.resolve();
  await turn();
  offer(hot);
  expect(writes).toHaveLength(17);
  expect(rekeyed).toEqual([hot.uid]);
});

test.each([new StoreFullError("ENOSPC"), new StoreBusyError("late"), new StoreFailedError("EIO")])(
  "after a %s nothing is written for a while, and it is no fault of the service",
  async (error) => {
    const { writes, faults, clock, offer } = pending();
    offer(capability());
    writes[0]!.reject(error);
    await turn();
    clock.now = 999;
    offer(capability());
    expect(writes).toHaveLength(1);
    clock.now = 1_000;
    offer(capability());
    expect(writes).toHaveLength(2);
    expect(faults).toEqual([]);
  },
);

test("what cannot be sealed anew, and a damaged store, are faults that fail no request", async () => {
  const { writes, faults, offer } = pending();
  offer(capability());
  writes[0]!.reject(new StoreCorruptError("damaged"));
  await turn();
  expect(faults).toEqual([expect.any(StoreCorruptError)]);
});

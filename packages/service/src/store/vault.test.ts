import { randomBytes } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { parseToken } from "capability-protocol";
import { expect, test } from "vitest";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { Store } from "./store.ts";
import { createVault } from "./vault.ts";

test("a request that waits for the turn to open a large target holds no copy of it", async () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  await using service = await startTestService();
  const allowQuery = [..."abcdefgh"].map((key) => key.repeat(1_000));
  const { token } = await exportTarget(service, { uri: "http://127.0.0.1:1/", allowQuery });
  const { store, keys } = service.data;
  const read: WeakRef<object>[] = [];
  const find: Store["find"] = async (...lookupIds) => {
    const found = await store.find(...lookupIds);
    if (found?.target !== undefined) read.push(new WeakRef(found.target.sealed));
    return found;
  };
  let begin = (): void => undefined;
  const turns = {
    nextTurn: () => new Promise<void>((resolve) => (begin = resolve)),
    urgent: <T>(act: () => Promise<T>) => act(),
  };
  const vault = createVault({ ...store, find }, keys, randomBytes, { loopTurns: turns });
  const opening = vault.open(parseToken(token)!);
  await expect.poll(() => read.length, { interval: 1 }).toBe(1);
  await setImmediate();
  collect();
  expect(read[0]?.deref()).toBeUndefined();
  begin();
  expect((await opening)?.target).toBeDefined();
});

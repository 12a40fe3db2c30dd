import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { createContextScheduler } from "./context-scheduler.ts";

/** How long each `make` takes, by a clock that advances only then. */
const TOOK_MS = 200;

function open(tookMs = TOOK_MS) {
  let clock = 0;
  const made: string[] = [];
  const turns = createContextScheduler({ now: () => clock });
  const take = (owner: string, name: string): Promise<string> =>
    turns.run(owner, () => {
      clock += tookMs;
      made.push(name);
      return name;
    });
  return { take, made, turns };
}

test("a tenant's next context waits after an expensive one, and none of another tenant does", async () => {
  const { take, made } = open();
  const first = take("a", "a1");
  void take("a", "a2");
  expect(await Promise.all([first, take("b", "b1")])).toEqual(["a1", "b1"]);
  await setImmediate();
  expect(made).toEqual(["a1", "b1"]);
});

test("a process that was stopped while it made a context does not keep the tenant's next one waiting for long", async () => {
  const { take } = open(60_000);
  expect([await take("a", "a1"), await take("a", "a2")]).toEqual(["a1", "a2"]);
});

test("an error goes to the caller that asked, and the next one has its turn", async () => {
  const turns = createContextScheduler({ now: () => 0 });
  const failing = turns.run("a", () => {
    throw new TypeError("bad PEM");
  });
  await expect(failing).rejects.toThrow("bad PEM");
  expect(await turns.run("a", () => "good")).toBe("good");
});

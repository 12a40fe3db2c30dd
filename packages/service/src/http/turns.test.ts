import { Socket } from "node:net";
import { expect, test } from "vitest";
import { promised } from "../testkit/promised.ts";
import { createTurns } from "./turns.ts";

test("requests of one connection take turns, also after one that failed; those of others do not wait", async () => {
  const inTurn = createTurns();
  const one = new Socket();
  const first = promised<void>();
  const seen: string[] = [];
  const acts = [
    inTurn(one, async () => {
      seen.push("first");
      await first.promise;
      throw new Error("the first failed");
    }),
    inTurn(one, async () => void seen.push("second")),
    inTurn(one, async () => void seen.push("third")),
    inTurn(new Socket(), async () => void seen.push("other")),
  ];
  await acts[3];
  expect(seen).toEqual(["first", "other"]);
  first.resolve();
  await expect(acts[0]).rejects.toThrow("the first failed");
  await Promise.all(acts.slice(1));
  expect(seen).toEqual(["first", "other", "second", "third"]);
});

test("nothing is done for a connection that has ended meanwhile", async () => {
  const inTurn = createTurns();
  const socket = new Socket();
  const first = promised<void>();
  let isDone = false;
  const turns = [inTurn(socket, () => first.promise), inTurn(socket, async () => void (isDone = true))];
  socket.destroy();
  first.resolve();
  await Promise.all(turns);
  expect(isDone).toBe(false);
});

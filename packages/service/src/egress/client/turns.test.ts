import { setUncaughtExceptionCaptureCallback } from "node:process";
import { expect, onTestFinished, test } from "vitest";
import { Turns } from "./turns.ts";

test("those after one that throws get their turn", async () => {
  const faults: unknown[] = [];
  setUncaughtExceptionCaptureCallback((fault) => faults.push(fault));
  onTestFinished(() => setUncaughtExceptionCaptureCallback(null));
  const fault = new Error("a fault");
  const turns = new Turns();
  const called: string[] = [];
  const add = (name: string, act: () => void = () => undefined): void =>
    turns.add({ onTurn: () => (called.push(name), act()) });
  const fail = (): void => {
    throw fault;
  };
  add("first");
  add("second", fail);
  add("third");
  add("fourth", fail);
  add("fifth");
  await expect.poll(() => called).toHaveLength(5);
  expect(called).toEqual(["first", "second", "third", "fourth", "fifth"]);
  expect(faults).toEqual([fault, fault]);
});

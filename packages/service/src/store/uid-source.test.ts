import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Uid } from "../domain/uid.ts";
import { newUid } from "../domain/uid.ts";
import { createUidSource } from "./uid-source.ts";

const beginningOf = (uid: Uid): string => uid.slice(0, 16);
const endOf = (uid: Uid): string => uid.slice(16);

test("uids that are drawn together for one owner begin alike, and uids of another owner or of a later time never do", () => {
  const owners = Array.from({ length: 4 }, () => newUid(randomBytes));
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...owners), { minLength: 1, maxLength: 200 }), (drawn) => {
      const uids = createUidSource(randomBytes);
      const bursts = new Map<string, string>();
      drawn.forEach((owner, at) => {
        const beginning = beginningOf(uids.nextOf(owner));
        const burst = `${owner} ${Math.floor(at / 32)}`;
        expect(bursts.get(beginning) ?? burst).toBe(burst);
        bursts.set(beginning, burst);
      });
      expect(bursts.size).toBe(new Set(bursts.values()).size);
    }),
  );
});

test("what a uid begins with shows no owner: another source draws otherwise for the same one", () => {
  const owner = newUid(randomBytes);
  const beginnings = Array.from({ length: 20 }, () =>
    beginningOf(createUidSource(randomBytes).nextOf(owner)),
  );
  expect(new Set([...beginnings, beginningOf(owner)]).size).toBe(21);
});

test("a uid near another begins as that one, and no two uids are the same", () => {
  const uids = createUidSource(randomBytes);
  const owner = newUid(randomBytes);
  const near = Array.from({ length: 1_000 }, () => uids.near(owner));
  expect(new Set(near.map(beginningOf))).toEqual(new Set([beginningOf(owner)]));
  expect(new Set([...near, ...near.map(() => uids.nextOf(owner))].map(endOf)).size).toBe(2_000);
});

import fc from "fast-check";
import { expect, test } from "vitest";
import type { Enrolled } from "./roster.ts";
import { Roster } from "./roster.ts";

interface Named extends Enrolled {
  readonly name: number;
}

const named = (name: number): Named => ({ name, place: -1 });

function all(roster: Roster<Named>): number[] {
  const names: number[] = [];
  roster.forEach(({ name }) => names.push(name));
  return names.toSorted((a, b) => a - b);
}

test("a roster holds what a set would hold, whatever is added and deleted", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(9))), (steps) => {
      const members = Array.from({ length: 10 }, (_, name) => named(name));
      const roster = new Roster<Named>();
      const model = new Set<number>();
      for (const [isAdded, name] of steps) {
        const member = members[name]!;
        if (!isAdded) expect(roster.delete(member)).toBe(model.delete(name));
        else if (!model.has(name)) {
          roster.add(member);
          model.add(name);
        }
        expect(roster.size).toBe(model.size);
        expect(all(roster)).toEqual([...model].toSorted((a, b) => a - b));
      }
    }),
  );
});

test("who is deleted while all are called is not called any more, and nobody else is left out", () => {
  const members = [0, 1, 2, 3].map(named);
  const roster = new Roster<Named>();
  members.forEach((member) => roster.add(member));
  const called: number[] = [];
  roster.forEach((member) => {
    called.push(member.name);
    roster.delete(member);
    if (member.name === 1) roster.delete(members[3]!);
  });
  expect(called).toEqual([0, 1, 2]);
  expect(roster.size).toBe(0);
});

test("a member of another roster cannot be deleted by its place", () => {
  const [one, other] = [new Roster<Named>(), new Roster<Named>()];
  const [here, there] = [named(1), named(2)];
  one.add(here);
  other.add(there);
  expect(one.delete(there)).toBe(false);
  expect([one.size, other.size]).toEqual([1, 1]);
});

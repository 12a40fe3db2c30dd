import fc from "fast-check";
import { expect, test } from "vitest";
import type { Indexed } from "./swap-remove-list.ts";
import { SwapRemoveList } from "./swap-remove-list.ts";

interface Named extends Indexed {
  readonly name: number;
}

const named = (name: number): Named => ({ name, index: -1 });

function all(list: SwapRemoveList<Named>): number[] {
  const names: number[] = [];
  list.forEach(({ name }) => names.push(name));
  return names.toSorted((a, b) => a - b);
}

test("the list holds what a set would hold, whatever is added and deleted", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(9))), (steps) => {
      const members = Array.from({ length: 10 }, (_, name) => named(name));
      const list = new SwapRemoveList<Named>();
      const model = new Set<number>();
      for (const [isAdded, name] of steps) {
        const member = members[name]!;
        if (!isAdded) expect(list.delete(member)).toBe(model.delete(name));
        else if (!model.has(name)) {
          list.add(member);
          model.add(name);
        }
        expect(list.size).toBe(model.size);
        expect(all(list)).toEqual([...model].toSorted((a, b) => a - b));
      }
    }),
  );
});

test("a member that is deleted during the iteration is not visited, and no other is skipped", () => {
  const members = [0, 1, 2, 3].map(named);
  const list = new SwapRemoveList<Named>();
  members.forEach((member) => list.add(member));
  const called: number[] = [];
  list.forEach((member) => {
    called.push(member.name);
    list.delete(member);
    if (member.name === 1) list.delete(members[3]!);
  });
  expect(called).toEqual([0, 1, 2]);
  expect(list.size).toBe(0);
});

test("a member of another list cannot be deleted by its index", () => {
  const [one, other] = [new SwapRemoveList<Named>(), new SwapRemoveList<Named>()];
  const [here, there] = [named(1), named(2)];
  one.add(here);
  other.add(there);
  expect(one.delete(there)).toBe(false);
  expect([one.size, other.size]).toEqual([1, 1]);
});

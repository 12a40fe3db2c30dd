import fc from "fast-check";
import { expect, test } from "vitest";
import { SmallSet } from "./small-set.ts";

test("it has the members that a Set would have, after whatever additions and deletions", () => {
  const members = [{}, {}, {}];
  const change = fc.record({ isAddition: fc.boolean(), at: fc.nat(members.length - 1) });
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const small = new SmallSet<object>();
      const set = new Set<object>();
      for (const { isAddition, at } of changes) {
        const member = members[at]!;
        if (isAddition) {
          small.add(member);
          set.add(member);
        } else {
          small.delete(member);
          set.delete(member);
        }
        const visited: object[] = [];
        small.forEach((one) => visited.push(one));
        expect(new Set(visited)).toEqual(set);
        expect([visited.length, small.isEmpty]).toEqual([set.size, set.size === 0]);
      }
    }),
  );
});

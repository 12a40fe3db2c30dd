import fc from "fast-check";
import { expect, test } from "vitest";
import { Lineage } from "../domain/linked-lineage.ts";
import type { Uid } from "../domain/uid.ts";
import { newUid } from "../domain/uid.ts";
import { createLineageIndex } from "./lineage-index.ts";

const uid = (number: number): Uid => newUid((size) => Buffer.alloc(size, number));

function capability(number: number, ...dependencies: readonly Lineage[]): Lineage {
  return new Lineage({ type: "capability", uid: uid(number), kind: "export" }, dependencies);
}

test("an index finds the dependents of any node, and a node as long as an item depends on it", () => {
  const steps = fc.array(
    fc.record({
      type: fc.constantFrom("add", "add", "remove", "ask" as const),
      node: fc.nat(14),
      item: fc.nat(3),
    }),
    { maxLength: 60 },
  );
  // Each node points to some of those before it, so that paths meet again.
  const edges = fc.array(fc.array(fc.nat(14), { maxLength: 3 }), { minLength: 15, maxLength: 15 });
  fc.assert(
    fc.property(edges, steps, (pointers, list) => {
      const graph = (): Lineage[] => {
        const made: Lineage[] = [];
        for (const [index, to] of pointers.entries())
          made.push(capability(index, ...made.filter((_, number) => to.includes(number))));
        return made;
      };
      // Those of two evaluations are separate objects.
      const lineages = [graph(), graph()];
      const index = createLineageIndex<string>();
      const items = new Map<string, Lineage>();
      for (const [at, { type, node, item }] of list.entries()) {
        const lineage = lineages[at % 2]![node]!;
        const name = `${item} of ${node}`;
        if (type === "add") {
          index.add(lineage, name);
          items.set(name, lineage);
        } else if (type === "remove") {
          index.remove(lineage, name);
          items.delete(name);
        }
        const held = new Set([...items.values()].flatMap((of) => Array.from(of)));
        for (let number = 0; number < 15; number += 1)
          expect(index.find(uid(number)) !== undefined, `node ${number}`).toBe(held.has(uid(number)));
        const dependents = [...items].filter(([, of]) => [...of].includes(uid(node)));
        expect(index.dependentsOf(new Set([uid(node)]))).toEqual(new Set(dependents.map(([one]) => one)));
        expect(index.dependentsOf("everything")).toEqual(new Set(items.keys()));
      }
    }),
  );
});

test("a node that two evaluations have made for one lineage is one node", () => {
  const index = createLineageIndex<string>();
  const middle = capability(2, capability(1));
  const leaf = capability(3, capability(1), middle);
  index.add(leaf, "leaf");
  index.add(middle, "middle");
  index.remove(leaf, "leaf");
  expect(index.dependentsOf(new Set([uid(1)]))).toEqual(new Set(["middle"]));
});

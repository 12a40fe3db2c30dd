import fc from "fast-check";
import { expect, test } from "vitest";
import { MaxHeap } from "./max-heap.ts";

interface Item {
  size: number;
  index: number;
}

test("the first item is the largest, whatever is added, changed and deleted", () => {
  const step = fc.record({
    kind: fc.constantFrom("add", "change", "delete"),
    place: fc.nat(1_000),
    size: fc.nat(20),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const heap = new MaxHeap<Item>((one, other) => one.size > other.size);
      const model: Item[] = [];
      for (const { kind, place, size } of steps) {
        const item = model[place % model.length];
        if (kind === "add") {
          const added = { size, index: -1 };
          heap.add(added);
          model.push(added);
        } else if (item !== undefined && kind === "change") {
          item.size = size;
          heap.move(item);
        } else if (item !== undefined) {
          heap.delete(item);
          heap.delete(item);
          model.splice(model.indexOf(item), 1);
        }
        expect(heap.first?.size).toBe(
          model.length === 0 ? undefined : Math.max(...model.map((one) => one.size)),
        );
        expect(new Set(model.map(({ index }) => index)).size).toBe(model.length);
      }
    }),
  );
});

test("an item among thousands is added, moved and deleted with a logarithmic number of comparisons", () => {
  const count = 16_384;
  let comparisons = 0;
  const heap = new MaxHeap<Item>((one, other) => {
    comparisons += 1;
    return one.size > other.size;
  });
  const most = (act: (item: Item) => void): number => {
    let result = 0;
    for (const item of items) {
      comparisons = 0;
      act(item);
      result = Math.max(result, comparisons);
    }
    return result;
  };
  const items = Array.from({ length: count }, (_, size): Item => ({ size, index: -1 }));
  const bound = 3 * Math.log2(count);
  expect(most((item) => heap.add(item))).toBeLessThanOrEqual(bound);
  expect(
    most((item) => {
      item.size = (item.size * 7_919) % count;
      heap.move(item);
    }),
  ).toBeLessThanOrEqual(bound);
  expect(most((item) => heap.delete(item))).toBeLessThanOrEqual(bound);
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { RemovableQueue } from "./removable-queue.ts";

test("the first item is the one that was added first and not deleted since, whatever is added and deleted", () => {
  const step = fc.record({ isAdded: fc.boolean(), item: fc.nat(9) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new RemovableQueue<number>();
      const model: number[] = [];
      for (const { isAdded, item } of steps) {
        const at = model.indexOf(item);
        if (!isAdded) {
          queue.delete(item);
          if (at !== -1) model.splice(at, 1);
        } else if (at === -1) {
          queue.add(item);
          model.push(item);
        }
        expect([queue.first, queue.size]).toEqual([model[0], model.length]);
      }
    }),
  );
});

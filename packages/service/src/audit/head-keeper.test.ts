import { expect, test } from "vitest";
import type { AuditHead } from "../domain/audit-head.ts";
import { createHeadKeeper, headsToDrop, MAX_WRITERS } from "./head-keeper.ts";

function head(sequence: number, writer = "ab".repeat(16)): AuditHead {
  return { writer, sequence, mac: Buffer.alloc(32), time: sequence, startedAt: 0 };
}

function keeper(options: { readonly sync?: () => Promise<void>; readonly move?: () => Promise<void> } = {}) {
  const moved: number[] = [];
  const faults: unknown[] = [];
  const at = { sequence: 1 };
  const made = createHeadKeeper({
    store: {
      async moveAuditHead({ sequence }) {
        await options.move?.();
        moved.push(sequence);
      },
    },
    head: () => head(at.sequence),
    sync: options.sync,
    onFault: (error) => faults.push(error),
    isOutage: (error) => error instanceof RangeError,
  });
  return { keeper: made, moved, faults, at };
}

test("the store learns of lines that belong to no change, and not twice of the same one", async () => {
  const { keeper: kept, moved, at } = keeper();
  await kept.moveNow();
  await kept.moveNow();
  at.sequence = 4;
  kept.moved(head(3));
  await kept.moveNow();
  // A change has moved it this far.
  at.sequence = 5;
  kept.moved(head(5));
  await kept.moveNow();
  expect(moved).toEqual([1, 4]);
  kept.stop();
});

test("many lines move the head once, after a while, and those that come meanwhile once more", async () => {
  const { keeper: kept, moved, at } = keeper();
  for (let count = 0; count < 5; count += 1) kept.written();
  at.sequence = 5;
  expect(moved).toEqual([]);
  await expect.poll(() => moved).toEqual([5]);
  at.sequence = 6;
  kept.written();
  kept.written();
  await expect.poll(() => moved).toEqual([5, 6]);
  kept.stop();
});

test("where the trail is required, the store names no line that is not on the disk", async () => {
  const failing = keeper({ sync: () => Promise.reject(new Error("EIO")) });
  await failing.keeper.moveNow();
  expect(failing.moved).toEqual([]);
  expect(failing.faults).toEqual([]);
});

test("an outage of the store is not a fault, and the next head moves past it; any other error is one", async () => {
  let error: Error | undefined = new RangeError("busy");
  const {
    keeper: kept,
    moved,
    faults,
  } = keeper({
    move: () => (error === undefined ? Promise.resolve() : Promise.reject(error)),
  });
  await kept.moveNow();
  expect([moved, faults]).toEqual([[], []]);
  error = new TypeError("defect");
  await kept.moveNow();
  expect(faults).toEqual([error]);
  error = undefined;
  await kept.moveNow();
  expect(moved).toEqual([1]);
});

test("of too many writers those are forgotten that wrote longest ago", () => {
  const heads = Array.from({ length: MAX_WRITERS + 1 }, (_, index) =>
    head(index + 1, index.toString(16).padStart(32, "0")),
  );
  expect(headsToDrop({ heads: heads.toReversed(), damaged: 0 }).map(({ sequence }) => sequence)).toEqual([
    2, 1,
  ]);
  expect(headsToDrop({ heads: heads.slice(2), damaged: 0 })).toEqual([]);
});

import fc from "fast-check";
import { expect, test } from "vitest";
import type { QueuedWrite } from "./write-queue.ts";
import { createWriteQueue } from "./write-queue.ts";

interface Item extends QueuedWrite {
  readonly name: string;
}

function item(kind: QueuedWrite["class"], tenant: string, capability: string, name = "", cost = 1): Item {
  return { class: kind, owner: { tenant, capability }, cost, name };
}

const many = (count: number, make: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, i) => make(i));

function drain(queue: ReturnType<typeof createWriteQueue<Item>>, batch: number): string[] {
  const names: string[] = [];
  for (let next = queue.take(batch); next.length > 0; next = queue.take(batch)) {
    names.push(...next.map(({ name }) => name));
  }
  return names;
}

test("a revoke is taken before all that waits, and alone, whichever tenant sent it", () => {
  const queue = createWriteQueue<Item>(100);
  for (const waiting of many(50, (i) => item("create", "greedy", "export", `c${i}`))) queue.add(waiting);
  queue.add(item("revoke", "other", "revoke", "revoke"));
  expect(queue.take(4).map(({ name }) => name)).toEqual(["revoke"]);
  expect(queue.take(4)).toHaveLength(4);
});

test("revokes without end leave every second commit to others", () => {
  const queue = createWriteQueue<Item>(100);
  for (const waiting of many(100, (i) => item("revoke", "greedy", "revoke", `r${i}`))) queue.add(waiting);
  for (const waiting of many(15, (i) => item("create", "other", "create", `c${i}`))) queue.add(waiting);
  queue.add(item("sweep", "", "", "sweep"));
  const classes = Array.from({ length: 7 }, () => queue.take(16)).map(
    (batch) => new Set(batch.map((taken) => taken.class)),
  );
  const revokes = new Set(["revoke"]);
  const others = new Set(["create"]);
  expect(classes).toEqual([
    revokes,
    new Set(["sweep", "create"]),
    revokes,
    others,
    revokes,
    revokes,
    revokes,
  ]);
});

test("after a revoke, four commits of others are short, since the next revoke waits for them", () => {
  const queue = createWriteQueue<Item>(1_000);
  for (const waiting of many(200, (i) => item("create", "t", "export", `c${i}`))) queue.add(waiting);
  queue.add(item("revoke", "t", "revoke", "revoke"));
  const sizes = Array.from({ length: 7 }, () => queue.take(32).length);
  expect(sizes).toEqual([1, 8, 8, 8, 8, 32, 32]);
});

test("tenants take turns, and within one its capabilities do, however much one of them sends", () => {
  const queue = createWriteQueue<Item>(1_000);
  for (const waiting of many(400, (i) => item("create", "greedy", "a", `greedy a${i}`))) queue.add(waiting);
  queue.add(item("create", "greedy", "b", "greedy b0"));
  for (const waiting of many(2, (i) => item("create", "small", "c", `small ${i}`))) queue.add(waiting);
  expect(queue.take(5).map(({ name }) => name)).toEqual([
    "greedy a0",
    "small 0",
    "greedy b0",
    "small 1",
    "greedy a1",
  ]);
});

test("uses that are counted take turns with creations, tenant by tenant", () => {
  const queue = createWriteQueue<Item>(1_000);
  for (const waiting of many(400, (i) => item("use", "greedy", "a", `use ${i}`))) queue.add(waiting);
  queue.add(item("create", "small", "create", "creation"));
  queue.add(item("use", "small", "b", "use"));
  expect(queue.take(5).map(({ name }) => name)).toEqual(["use 0", "creation", "use 1", "use", "use 2"]);
});

test("a full queue drops the latest write of the owner that has most, so that others find a place", () => {
  const queue = createWriteQueue<Item>(10);
  for (const waiting of many(10, (i) => item("create", "greedy", "export", `g${i}`))) queue.add(waiting);
  expect(queue.add(item("create", "greedy", "export", "g10"))).toMatchObject({ name: "g10" });
  expect(queue.add(item("create", "small", "export", "s0"))).toMatchObject({ name: "g9" });
  expect(queue.add(item("revoke", "small", "revoke", "r"))).toBeUndefined();
  expect(drain(queue, 3).toSorted()).toEqual([
    "g0",
    "g1",
    "g2",
    "g3",
    "g4",
    "g5",
    "g6",
    "g7",
    "g8",
    "r",
    "s0",
  ]);
});

test("a large write takes the turns of several, and neither starves nor is starved", () => {
  const queue = createWriteQueue<Item>(100);
  for (let i = 0; i < 3; i += 1) queue.add(item("create", "large", "a", `large ${i}`, 20));
  for (let i = 0; i < 2; i += 1) queue.add(item("create", "small", "b", `small ${i}`));
  queue.add(item("create", "huge", "c", "huge", 500));
  const names = (): string[] => queue.take(32).map(({ name }) => name);
  expect(names()).toEqual(["large 0", "small 0"]);
  expect(names()).toEqual(["huge"]);
  expect(names()).toEqual(["large 1", "small 1"]);
  expect(names()).toEqual(["large 2"]);
  expect(names()).toEqual([]);
});

test("a large revoke takes the turns of several revokes too", () => {
  const queue = createWriteQueue<Item>(100);
  queue.add(item("revoke", "t", "r", "large", 20));
  for (const waiting of many(40, (i) => item("revoke", "t", "r", `r${i}`))) queue.add(waiting);
  expect(queue.take(32)).toHaveLength(13);
  expect(queue.take(32)).toHaveLength(28);
});

test("of owners that have as many writes in a full queue, the one that came later loses its latest", () => {
  const queue = createWriteQueue<Item>(3);
  for (const name of ["a0", "a1", "b0"]) queue.add(item("create", name.slice(0, 1), "c", name));
  expect(queue.add(item("create", "b", "c", "b1"))).toMatchObject({ name: "b1" });
});

test("a sweep gets one turn of each batch, and no more", () => {
  const queue = createWriteQueue<Item>(10);
  for (const waiting of many(3, (i) => item("sweep", "", "", `s${i}`))) queue.add(waiting);
  for (const waiting of many(10, (i) => item("create", "t", "c", `c${i}`))) queue.add(waiting);
  expect(queue.take(4).map(({ name }) => name)).toEqual(["s0", "c0", "c1", "c2"]);
});

const ACTS = fc.array(
  fc.record({
    turns: fc.integer({ min: 1, max: 5 }),
    kind: fc.constantFrom("revoke", "create", "use", "sweep"),
    tenant: fc.constantFrom("a", "b", "c"),
    capability: fc.constantFrom("x", "y"),
    act: fc.constantFrom("add", "add", "add", "take", "delete"),
  }),
  { maxLength: 200 },
);

test("every item comes out once, unless it was dropped or deleted", () => {
  const property = fc.property(ACTS, (acts) => {
    const queue = createWriteQueue<Item>(8);
    const waiting = new Set<string>();
    const leave = (name: string): void => expect(waiting.delete(name)).toBe(true) as unknown as void;
    const items: Item[] = [];
    for (const [index, { turns, kind, tenant, capability, act }] of acts.entries()) {
      if (act === "take") for (const { name } of queue.take(3)) leave(name);
      else if (act === "delete") {
        const present = items.filter(({ name }) => waiting.has(name));
        const one = present[index % present.length];
        if (one === undefined) continue;
        queue.delete(one);
        leave(one.name);
      } else {
        const added = item(kind as QueuedWrite["class"], tenant, capability, `${index}`, turns);
        items.push(added);
        waiting.add(added.name);
        const given = queue.add(added);
        if (given !== undefined) leave(given.name);
      }
    }
    for (const name of drain(queue, 3)) leave(name);
    expect(waiting.size).toBe(0);
  });
  fc.assert(property, { numRuns: 300 });
});

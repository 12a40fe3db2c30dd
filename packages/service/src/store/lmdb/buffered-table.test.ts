import fc from "fast-check";
import { expect, test } from "vitest";
import type { KeyedTable } from "./buffered-table.ts";
import { createBufferedTable } from "./buffered-table.ts";

/** A table in memory, which notes its changes. */
function memoryTable(rows: ReadonlyMap<string, string> = new Map()) {
  const stored = new Map(rows);
  const changes: string[] = [];
  const table: KeyedTable = {
    get(key) {
      const value = stored.get(key.toString());
      return value === undefined ? undefined : [Buffer.from(value)];
    },
    put(key, columns) {
      changes.push(key.toString());
      stored.set(key.toString(), Buffer.concat(columns).toString());
    },
    remove(key) {
      changes.push(key.toString());
      stored.delete(key.toString());
    },
  };
  return { table, stored, changes };
}

const key = fc.constantFrom("a", "b", "c");
const value = fc.constantFrom("1", "2", "3");
const steps = fc.oneof(
  fc.record({ type: fc.constant("put" as const), key, value }),
  fc.record({ type: fc.constant("remove" as const), key }),
  fc.record({ type: fc.constant("get" as const), key }),
);

type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never;

function applyStep(table: KeyedTable, one: Step): string | undefined {
  const at = Buffer.from(one.key);
  if (one.type === "put") table.put(at, [Buffer.from(one.value)]);
  if (one.type === "remove") table.remove(at);
  return one.type === "get" ? table.get(at)?.[0]?.toString() : undefined;
}

const groups = fc.array(fc.record({ steps: fc.array(steps, { maxLength: 12 }), isFlushed: fc.boolean() }), {
  maxLength: 5,
});

test("a buffered table reads as one that is not, is changed once a row when it is flushed, and not at all without that", () => {
  fc.assert(
    fc.property(fc.dictionary(key, value), groups, (rows, all) => {
      const initial = new Map(Object.entries(rows));
      const [direct, below] = [memoryTable(initial), memoryTable(initial)];
      const buffered = createBufferedTable(below.table);
      for (const { steps, isFlushed } of all) {
        const before = new Map(direct.stored);
        below.changes.length = 0;
        buffered.begin();
        for (const one of steps) expect(applyStep(buffered, one)).toBe(applyStep(direct.table, one));
        expect(below.changes).toEqual([]);
        if (isFlushed) buffered.flush();
        buffered.end();
        expect(new Set(below.changes).size).toBe(below.changes.length);
        if (!isFlushed) {
          direct.stored.clear();
          before.forEach((text, name) => direct.stored.set(name, text));
        }
        expect(new Map(below.stored)).toEqual(new Map(direct.stored));
      }
    }),
  );
});

test("a row that a group only reads is not written, and one that is changed outside of a group is written at once", () => {
  const below = memoryTable(new Map([["a", "1"]]));
  const buffered = createBufferedTable(below.table);
  buffered.begin();
  buffered.get(Buffer.from("a"));
  buffered.flush();
  buffered.end();
  expect(below.changes).toEqual([]);
  buffered.put(Buffer.from("a"), [Buffer.from("2")]);
  expect(below.stored.get("a")).toBe("2");
});

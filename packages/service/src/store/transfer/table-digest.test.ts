import fc from "fast-check";
import { expect, test } from "vitest";
import type { StoredRow } from "./stored-rows.ts";
import { createTableDigester } from "./table-digest.ts";

const bytes = fc.uint8Array({ maxLength: 4 }).map((array) => Buffer.from(array));
const rows: fc.Arbitrary<readonly StoredRow[]> = fc.array(fc.record({ key: bytes, body: bytes }), {
  maxLength: 6,
});

function digestOf(...pages: readonly (readonly StoredRow[])[]) {
  const digester = createTableDigester();
  pages.forEach(digester.add);
  return digester.digest();
}

const textOf = (list: readonly StoredRow[]): string =>
  list.map(({ key, body }) => `${key.toString("hex")}:${body.toString("hex")}`).join();

test("the digest of a table does not depend on the pages in which its rows are read", () => {
  fc.assert(
    fc.property(rows, rows, rows, (a, b, c) => {
      expect(digestOf(a, b, c)).toEqual(digestOf([...a, ...b, ...c]));
    }),
  );
});

test("two lists of rows have the same digest only if they are the same", () => {
  fc.assert(
    fc.property(rows, rows, (a, b) => {
      expect(digestOf(a).sha256 === digestOf(b).sha256).toBe(textOf(a) === textOf(b));
    }),
  );
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeColumns, optionalColumn, textColumn, decodeColumns } from "./columns.ts";

const columns = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });

function hex(list: readonly Uint8Array[]): string[] {
  return list.map((column) => Buffer.from(column).toString("hex"));
}

test("what was framed comes back column by column, empty ones and an empty list included", () => {
  fc.assert(
    fc.property(columns, (list) => {
      expect(hex(decodeColumns(encodeColumns(list)))).toEqual(hex(list));
    }),
  );
});

test("no two lists of columns give the same bytes, wherever the cut between two columns is", () => {
  const cut = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.nat(), fc.nat());
  fc.assert(
    fc.property(cut, ([bytes, first, second]) => {
      const at = (position: number): Buffer => {
        const index = position % (bytes.length + 1);
        return encodeColumns([bytes.subarray(0, index), bytes.subarray(index)]);
      };
      const same = first % (bytes.length + 1) === second % (bytes.length + 1);
      expect(at(first).equals(at(second))).toBe(same);
    }),
  );
  fc.assert(
    fc.property(columns, columns, (a, b) => {
      expect(encodeColumns(a).equals(encodeColumns(b))).toBe(
        JSON.stringify(hex(a)) === JSON.stringify(hex(b)),
      );
    }),
  );
});

test("a column follows its length, four bytes with the highest first", () => {
  expect(encodeColumns([Buffer.from("ab"), Buffer.alloc(0)]).toString("hex")).toBe(
    "000000026162" + "00000000",
  );
  expect(encodeColumns([])).toHaveLength(0);
});

test("bytes that are cut anywhere inside a column do not read as columns", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(), (column, cut) => {
      const framed = encodeColumns([column]);
      expect(() => decodeColumns(framed.subarray(0, 1 + (cut % (framed.length - 1))))).toThrow(RangeError);
    }),
  );
});

test("a length that points past the row is refused, however large it is", () => {
  expect(() => decodeColumns(Buffer.from("ffffffff00", "hex"))).toThrow(RangeError);
});

test("an absent column has no bytes, and text is UTF-8", () => {
  expect(optionalColumn(undefined, "hex")).toHaveLength(0);
  expect(optionalColumn("00ff", "hex").toString("hex")).toBe("00ff");
  expect(optionalColumn("é", "utf8").toString("hex")).toBe("c3a9");
  expect(textColumn("𝄞").toString("hex")).toBe("f09d849e");
});

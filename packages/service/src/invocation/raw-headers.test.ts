import { expect, test } from "vitest";
import { listOf, valuesOf } from "./raw-headers.ts";

const LINES = ["Via", "1.1 a, ,1.0 b", "X", "y", "VIA", "", "via", "1.1 c"];

test("all lines of a field are found, whatever their case, in their order", () => {
  expect(valuesOf(LINES, "via")).toEqual(["1.1 a, ,1.0 b", "", "1.1 c"]);
  expect(valuesOf(LINES, "vi")).toEqual([]);
  expect(valuesOf(["Via"], "via")).toEqual([]);
});

test("the members of a list are taken together, without the empty ones", () => {
  expect(listOf(LINES, "via")).toEqual(["1.1 a", "1.0 b", "1.1 c"]);
  expect(listOf(LINES, "absent")).toEqual([]);
});

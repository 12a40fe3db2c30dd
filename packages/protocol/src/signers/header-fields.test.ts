import { expect, test } from "vitest";

import { groupHeaders, signedHeaders } from "./header-fields.ts";

const HEADERS = ["X-B", "1", "host", "h", "x-b", "2", "X-A", "", "__proto__", "p"];

test("values are grouped by lower-case name in the order sent, and names are sorted", () => {
  expect(groupHeaders(HEADERS.slice(0, 4), HEADERS.slice(4), () => true)).toEqual([
    { lowerCaseName: "__proto__", values: ["p"] },
    { lowerCaseName: "host", values: ["h"] },
    { lowerCaseName: "x-a", values: [""] },
    { lowerCaseName: "x-b", values: ["1", "2"] },
  ]);
});

test("the values of a name that is not kept are not returned", () => {
  const kept = groupHeaders(HEADERS, [], (name) => name.startsWith("x-"));
  expect(signedHeaders(kept)).toBe("x-a;x-b");
});

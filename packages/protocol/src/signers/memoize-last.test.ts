import { expect, test } from "vitest";

import { memoizeLast } from "./memoize-last.ts";

test("a result is computed again only when the text differs from the last one", () => {
  const computed: string[] = [];
  const length = memoizeLast((text) => computed.push(text) && text.length);
  expect(["", "", "a", "a", "bb", "a"].map(length)).toEqual([0, 0, 1, 1, 2, 1]);
  expect(computed).toEqual(["", "a", "bb", "a"]);
});

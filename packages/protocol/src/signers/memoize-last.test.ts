import { expect, test } from "vitest";

import { memoizeLast } from "./memoize-last.ts";

test("only a text other than the last one is computed again", () => {
  const computed: string[] = [];
  const length = memoizeLast((text) => computed.push(text) && text.length);
  expect(["", "", "a", "a", "bb", "a"].map(length)).toEqual([0, 0, 1, 1, 2, 1]);
  expect(computed).toEqual(["", "a", "bb", "a"]);
});

import { posix } from "node:path";

import fc from "fast-check";
import { expect, test } from "vitest";

import { removeDotSegments } from "./remove-dot-segments.ts";

test("an absolute path is normalized as by POSIX", () => {
  const segment = fc.constantFrom("", ".", "..", "a", "b c", "...", ".a", "é");
  const path = fc.array(segment, { maxLength: 8 }).map((segments) => `/${segments.join("/")}`);
  fc.assert(
    fc.property(path, (text) => {
      expect(removeDotSegments(text)).toBe(posix.normalize(text));
    }),
    { numRuns: 1000 },
  );
});

import { expect, test } from "vitest";

import { parseLabel } from "./texts.ts";

test.each(["", "a", "for Ümit, until Friday", "😀".repeat(128)])("the label %j is kept as it is", (label) => {
  expect(parseLabel(label, "label")).toEqual({ ok: true, value: label });
});

test.each([
  null,
  1,
  [],
  "a".repeat(129),
  "😀".repeat(129),
  "a\nb",
  "\u001b[31m",
  "\u007f",
  "\u0085",
  "\ud800",
])("the label %j is refused", (label) => {
  expect(parseLabel(label, "label")).toMatchObject({ ok: false, error: { field: "label" } });
});

import { expect, test } from "vitest";

import { INVALID_LABELS } from "../../../testkit/src/invalid-exports.ts";
import { parseLabel } from "./label.ts";

test.each(["", "a", "for Ümit, until Friday", "😀".repeat(128)])("the label %j is kept as it is", (label) => {
  expect(parseLabel(label, "label")).toEqual({ ok: true, value: label });
});

test.each(INVALID_LABELS)("the label %j is refused", (label) => {
  expect(parseLabel(label, "label")).toMatchObject({ ok: false, error: { field: "label" } });
});

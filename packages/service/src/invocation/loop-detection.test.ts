import { expect, test } from "vitest";
import { requestHeadOf } from "../../../testkit/src/fixtures.ts";
import { MAX_VISITS, addHop } from "./loop-detection.ts";
import type { RequestHead } from "./request-head.ts";

function headWith(...rawHeaders: readonly string[]): RequestHead {
  return requestHeadOf({ rawHeaders });
}

test.each([
  [[], ["Via", "1.1 me", "CDN-Loop", "me"]],
  [
    ["via", "1.0 a, 1.1 b", "VIA", "1.1 c"],
    ["Via", "1.0 a, 1.1 b, 1.1 c, 1.1 me", "CDN-Loop", "me"],
  ],
  [
    ["CDN-Loop", "other; v=1", "cdn-loop", ", ,"],
    ["Via", "1.1 me", "CDN-Loop", "other; v=1, me"],
  ],
])("to the marks %j our own are appended", (given, marked) => {
  expect(addHop(headWith(...given), "me")).toEqual(marked);
});

test("a request passes until it has been here as often as the limit says, however the visits are written", () => {
  const visits = (count: number): string[] =>
    Array.from({ length: count }, () => "me ; a=b").flatMap((v) => ["cdn-loop", v]);
  expect(addHop(headWith(...visits(MAX_VISITS - 1)), "me")).toBeDefined();
  expect(addHop(headWith(...visits(MAX_VISITS)), "me")).toBeUndefined();
  expect(
    addHop(headWith("CDN-Loop", Array.from({ length: MAX_VISITS }, () => "me").join(",")), "me"),
  ).toBeUndefined();
});

test("visits to others do not count, though their names begin like ours", () => {
  const others = Array.from({ length: 50 }, (_, index) => `me${index}`).join(", ");
  expect(addHop(headWith("CDN-Loop", others, "Via", "1.1 me, ".repeat(50)), "me")).toBeDefined();
});

test("Via names the version that was received", () => {
  expect(addHop({ ...headWith(), httpVersion: "1.0" }, "me")?.slice(0, 2)).toEqual(["Via", "1.0 me"]);
});

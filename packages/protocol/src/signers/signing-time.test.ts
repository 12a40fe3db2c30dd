import { expect, test } from "vitest";

import { signingTime } from "./signing-time.ts";

test("a time is formatted in UTC, to the second, and its day is that of the formatted time", () => {
  expect(signingTime(new Date("2026-11-22T16:19:07.999Z"))).toEqual({
    dateTime: "20261122T161907Z",
    day: "20261122",
  });
  expect(signingTime(new Date("2026-12-31T23:59:59-01:00"))).toEqual({
    dateTime: "20270101T005959Z",
    day: "20270101",
  });
});

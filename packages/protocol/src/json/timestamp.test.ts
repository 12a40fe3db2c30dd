import fc from "fast-check";
import { expect, test } from "vitest";

import { parseTimestamp } from "./timestamp.ts";

const NOON = Date.UTC(2026, 10, 29, 12);

test.each([
  ["2026-11-29T12:00:00Z", NOON],
  ["2026-11-29t12:00:00z", NOON],
  ["2026-11-29T12:00:00.5Z", NOON + 500],
  ["2026-11-29T12:00:00.123456789Z", NOON + 123],
  ["2026-11-29T12:00:00.9999999999999999Z", NOON + 999],
  ["2026-11-29T12:00:00+00:00", NOON],
  ["2026-11-29T12:00:00-00:00", NOON],
  ["2026-11-29T13:30:00+01:30", NOON],
  ["2026-11-28T12:01:00-23:59", NOON],
  ["2028-02-29T00:00:00Z", Date.UTC(2028, 1, 29)],
  ["1970-01-01T00:00:00Z", 0],
  ["1969-12-31T23:00:00-01:00", 0],
  ["9999-12-31T23:59:59.999Z", 253_402_300_799_999],
])("%s is %i milliseconds since 1970", (text, time) => {
  expect(parseTimestamp(text, "at")).toEqual({ ok: true, value: time });
});

test.each([
  null,
  true,
  NOON,
  "",
  "now",
  "2026-11-29",
  "2026-11-29T12:00Z",
  "2026-11-29T12:00:00",
  "2026-11-29 12:00:00Z",
  "20261129T120000Z",
  "2026-11-29T12:00:00.Z",
  "2026-11-29T12:00:00,5Z",
  "2026-11-29T12:00:00+0100",
  "2026-11-29T12:00:00+01",
  "2026-11-29T12:00:00+24:00",
  "2026-11-29T12:00:00+01:60",
  "2026-02-29T00:00:00Z",
  "2026-04-31T00:00:00Z",
  "2026-00-01T00:00:00Z",
  "2026-13-01T00:00:00Z",
  "2026-11-00T00:00:00Z",
  "2026-11-29T24:00:00Z",
  "2026-11-29T12:60:00Z",
  "2016-12-31T23:59:60Z",
  "1969-12-31T23:59:59Z",
  "0070-01-01T00:00:00Z",
  "9999-12-31T23:59:59-00:01",
  "+002026-11-29T12:00:00Z",
  "2026-11-29T12:00:00Z ",
  "２026-11-29T12:00:00Z",
  "Sun, 29 Nov 2026 12:00:00 GMT",
])("%j is not a time", (text) => {
  expect(parseTimestamp(text, "limits.expiresAt")).toMatchObject({
    ok: false,
    error: { field: "limits.expiresAt" },
  });
});

test("every time that JavaScript writes is read as the same time", () => {
  const time = fc.date({ min: new Date(0), max: new Date(253_402_300_799_999), noInvalidDate: true });
  fc.assert(
    fc.property(time, (date) => {
      expect(parseTimestamp(date.toISOString(), "at")).toEqual({ ok: true, value: date.getTime() });
    }),
  );
});

import { expect, test } from "vitest";
import { CliError } from "../../errors/cli-error.ts";
import { parseDuration } from "./duration.ts";

test.each([
  ["500ms", 500],
  ["90s", 90_000],
  ["15m", 900_000],
  ["12h", 43_200_000],
  ["7d", 604_800_000],
  ["2w", 1_209_600_000],
  ["1h30m", 5_400_000],
  ["1d12h", 129_600_000],
])("%s is %i milliseconds", (text, milliseconds) => {
  expect(parseDuration("--expires-in", text)).toBe(milliseconds);
});

test.each(["0s", "0h0m", "0ms"])("%s is refused, since nothing lasts so long", (text) => {
  expect(() => parseDuration("--expires-in", text)).toThrow(
    /^--expires-in: expected a duration longer than 0$/,
  );
});

test.each(["", "7", "d", "7 d", "-7d", "1.5h", "7D", "7y", "7days", "7d ", "1234567890123s"])(
  "%j is not a duration, and the error names the option",
  (text) => {
    expect(() => parseDuration("--expires-in", text)).toThrow(CliError);
    expect(() => parseDuration("--expires-in", text)).toThrow(/^--expires-in: expected a duration/);
  },
);

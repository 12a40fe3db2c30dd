import { CliError } from "../../errors/cli-error.ts";

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
  ["w", 604_800_000],
]);

/**
 * Parses a duration for people, such as `90s`, `15m`, `12h`, `7d` or `1h30m`.
 *
 * @returns milliseconds.
 * @throws CliError that names the option.
 */
export function parseDuration(option: string, text: string): number {
  if (!/^(?:\d{1,12}(?:ms|[smhdw])){1,6}$/.test(text)) {
    throw new CliError(
      `${option}: expected a duration with its unit: ms, s, m, h, d or w, such as 7d or 1h30m`,
    );
  }
  const parts = text.matchAll(/(\d{1,12})([a-z]{1,2})/g);
  const duration = Array.from(
    parts,
    ([, count, unit = ""]) => Number(count) * (UNIT_MS.get(unit) ?? 0),
  ).reduce((sum, each) => sum + each, 0);
  if (duration === 0) throw new CliError(`${option}: expected a duration longer than 0`);
  return duration;
}

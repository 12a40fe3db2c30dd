import type { DataConfig } from "./config.ts";
import { ConfigError } from "./config-error.ts";

export function readDirectory(command: string, directory: string | undefined): string {
  const expected = `${command}: expected a directory, as in ${command} /var/backups/membrane`;
  return requireValue(directory === "" ? undefined : directory, expected);
}

export function readTrailFiles(
  files: readonly string[] | undefined,
  { audit }: DataConfig,
): readonly string[] {
  if (files !== undefined && files.length > 0) return files;
  if (audit !== undefined) return [audit.file];
  throw new ConfigError(
    "audit verify: expected the files of the trail, as in audit verify /var/log/membrane/audit.log*",
  );
}

const TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d{1,3})?Z)?$/;

export function readTime(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time))
    throw new ConfigError(`${flag}: expected a time in UTC, as in 2026-01-31 or 2026-01-31T12:00:00Z`);
  return time;
}

export function readTenant(tenant: string | undefined): string {
  return requireValue(tenant, "--tenant: expected the tenant's name, as in --tenant alice");
}

/** @throws ConfigError that says what is expected, unless it is a whole number that can be counted to. */
export function readCount(text: string | undefined, expected: string): number {
  if (text === undefined || !/^(?:0|[1-9][0-9]{0,14})$/.test(text)) throw new ConfigError(expected);
  return Number(text);
}

/** The parser's own message for a missing flag would not say what is expected. */
export function requireValue(value: string | undefined, expected: string): string {
  if (value === undefined) throw new ConfigError(expected);
  return value;
}

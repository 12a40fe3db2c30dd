import { readFileSync } from "node:fs";
import { afterEach, expect, test, vi } from "vitest";
import { readCommandLine } from "./cli.ts";
import { ConfigError } from "./config-error.ts";
import { toKebabCase } from "./flag-names.ts";
import { readLimits } from "./service-limit-flags.ts";
import type { LimitFlag } from "./service-limit.ts";
import type { LimitName } from "./service-limits.ts";
import { LIMIT_GROUPS, LIMIT_NAMES, LIMITS } from "./service-limits.ts";

/** Every flag for a limit, by its name in the configuration. */
const FLAGS = LIMIT_GROUPS.flatMap(({ title, flags }) =>
  Object.entries(flags).map(([name, flag]) => ({ name, title, flag })),
);

const DOCUMENT = readFileSync(new URL("../../../docs/operations.md", import.meta.url), "utf8");

/** How the unit is written: in the name, in the help, in the document and in messages. */
const UNITS = {
  bytes: { name: /Bytes(?:Total|Per[A-Z]\w+)?$/, help: ", in bytes", cell: "bytes", numbers: " of bytes" },
  "bytes per second": {
    name: /^min\w+Rate$/,
    help: ", in bytes per second",
    cell: "bytes per second",
    numbers: " of bytes per second",
  },
  milliseconds: { name: /Ms$/, help: ", in milliseconds", cell: "milliseconds", numbers: " of milliseconds" },
  count: {
    name: /^max[A-Z](?!\w*(?:Bytes|Rate))\w+(?<!Ms)$|^cacheEntries$/,
    help: "",
    cell: "",
    numbers: "",
  },
} as const;

afterEach(() => vi.unstubAllEnvs());

async function read(...words: readonly string[]) {
  return readCommandLine(["serve", ...words], "1.2.3", process.env);
}

function variableOf(name: string): string {
  return `MEMBRANE_${name.replace(/[A-Z]/g, "_$&").toUpperCase()}`;
}

/** The largest value: that of the row, the longest time of a timer, or the largest exact integer. */
function maximumOf({ unit, maximum }: LimitFlag): number {
  return maximum ?? (unit === "milliseconds" ? 2_147_483_647 : 9_007_199_254_740_991);
}

test("the groups hold every limit once, and one flag that sets several", () => {
  const names = FLAGS.map(({ name }) => name);
  expect(names.toSorted()).toEqual([...LIMIT_NAMES, "upstreamTimeoutMs"].toSorted());
  expect(LIMIT_NAMES.length).toBeGreaterThan(40);
});

/** Values for all limits at once: the ends of their ranges, their defaults, and one that no other limit has. */
const VALUES = {
  minimum: mapNames((name) => LIMITS[name].minimum ?? 1),
  default: mapNames((name) => LIMITS[name].default),
  distinct: mapNames((_name, index) => 5_000_000 + index),
  maximum: mapNames((name) => maximumOf(LIMITS[name])),
};

function mapNames(valueOf: (name: LimitName, index: number) => number): Readonly<Record<string, number>> {
  return Object.fromEntries(LIMIT_NAMES.map((name, index) => [name, valueOf(name, index)]));
}

test.each(Object.entries(VALUES))(
  "every limit has a flag and a variable, which take the %s value",
  async (_which, values) => {
    const flags = Object.entries(values).map(([name, value]) => `--${toKebabCase(name)}=${value}`);
    expect((await read(...flags))?.config.limits).toEqual(values);
    expect((await read())?.config.limits).toEqual(VALUES.default);
    for (const [name, value] of Object.entries(values)) vi.stubEnv(variableOf(name), String(value));
    expect((await read())?.config.limits).toEqual(values);
  },
);

test.each(FLAGS)("$name: any other value is refused with the unit and the bounds", ({ name, flag }) => {
  const { unit, minimum = 1 } = flag;
  const maximum = maximumOf(flag);
  const longest = unit === "milliseconds" ? " (24 days, the longest time of a timer)" : "";
  const expected = `expected a whole number${UNITS[unit].numbers} from ${minimum} to ${maximum}${longest}`;
  for (const value of [minimum - 1, maximum + 1, -1, minimum + 0.5, Number.POSITIVE_INFINITY, Number.NaN]) {
    const given = name === "upstreamTimeoutMs" ? { [name]: value } : { limits: { [name]: value } };
    expect(() => readLimits(given)).toThrow(new ConfigError(`--${toKebabCase(name)}: ${expected}`));
  }
});

test("the help of serve lists its flags first, then every limit in its group: what is limited, its unit, bounds and default", async () => {
  const printed = vi.spyOn(console, "log").mockImplementation(() => undefined);
  await read("--help");
  const help = String(printed.mock.calls[0]?.[0]);
  printed.mockRestore();
  const [flags = "", ...groups] = help.split(/^Limits: /m);
  expect(flags).toContain("--data");
  expect(groups.length).toBe(LIMIT_GROUPS.length);
  const lines = groups.map((group) => group.replace(/\s+/g, " "));
  for (const { name, title, flag } of FLAGS) {
    const { description, unit, minimum, maximum, default: value } = flag;
    const least = minimum === undefined ? "" : `, at least ${minimum}`;
    const most = maximum === undefined ? "" : `, at most ${maximum}`;
    const ending = `${least}${most}${value === undefined ? "" : ` [default: ${value}]`}`;
    expect(lines.find((line) => line.startsWith(title))).toContain(
      ` --${toKebabCase(name)} ${description}${UNITS[unit].help}${ending} `,
    );
  }
});

test.each(FLAGS)(
  "$name: docs/operations.md has one row for it under its heading, with its unit, default and bounds",
  ({ name, title, flag: { description, unit, minimum, maximum, default: value } }) => {
    expect(name).toMatch(UNITS[unit].name);
    const section = DOCUMENT.split(/^### /m).find((text) => text.startsWith(`${title}\n`)) ?? "";
    const rows = DOCUMENT.split("\n").filter((line) => line.startsWith(`| \`--${toKebabCase(name)}\` |`));
    expect(rows.length).toBe(1);
    expect(section).toContain(rows[0]);
    const [, , defaultCell, unitCell, meaning = ""] = rows[0]!.split("|").map((cell) => cell.trim());
    expect([defaultCell, unitCell]).toEqual([value === undefined ? "–" : String(value), UNITS[unit].cell]);
    expect(meaning.startsWith(description)).toBe(true);
    expect(meaning.includes("; at least ")).toBe(minimum !== undefined);
    expect(meaning.includes("; at most ")).toBe(maximum !== undefined);
    if (minimum !== undefined) expect(meaning).toContain(`; at least ${minimum}`);
    if (maximum !== undefined) expect(meaning).toContain(`; at most ${maximum}`);
  },
);

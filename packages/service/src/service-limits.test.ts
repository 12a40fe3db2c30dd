import { readFileSync } from "node:fs";
import { afterEach, expect, test, vi } from "vitest";
import { readCommandLine } from "./cli.ts";
import { ConfigError } from "./config-error.ts";
import { toKebabCase } from "./flag-names.ts";
import { readLimits } from "./service-limit-flags.ts";
import type { LimitFlag } from "./service-limit.ts";
import type { LimitName } from "./service-limits.ts";
import { DEFAULT_LIMITS, LIMIT_GROUPS, LIMIT_NAMES, LIMITS } from "./service-limits.ts";
import type { LeaseTimes } from "./store/lease/lease-times.ts";
import { DEFAULT_LEASE_TIMES } from "./store/lease/lease-times.ts";

/** Every flag for a limit, by its name in the configuration. */
const FLAGS = LIMIT_GROUPS.flatMap(({ title, flags }) =>
  Object.entries(flags).map(([name, flag]) => ({ name, title, flag })),
);

const DOCUMENT = readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8");

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

/** The limits of each engine, by the flag that chooses it, without the times of the lease, which depend on each other. */
const ENGINES = {
  lmdb: "lmdb",
  postgres: "postgres://membrane@db.test/membrane",
} as const;

/** Values for all limits of an engine at once: the ends of their ranges, their defaults, and one that no other limit has. */
const VALUES: Readonly<Record<string, (name: LimitName, index: number) => number>> = {
  minimum: (name) => LIMITS[name].minimum ?? 1,
  default: (name) => LIMITS[name].default,
  distinct: (name, index) => Math.max(5_000_000, LIMITS[name].minimum ?? 0) + index,
  maximum: (name) => maximumOf(LIMITS[name]),
};

const CASES = Object.entries(ENGINES).flatMap(([engine, store]) =>
  Object.entries(VALUES).map(([which, valueOf]) => ({ engine, store, which, valueOf })),
);

test.each(CASES)(
  "every limit of $engine has a flag and a variable, which take the $which value",
  async ({ engine, store, valueOf }) => {
    const names = LIMIT_NAMES.filter(
      (name) => (LIMITS[name].engine ?? engine) === engine && !isLeaseTime(name),
    );
    expect(names.length).toBeGreaterThan(40);
    const values = Object.fromEntries(names.map((name, index) => [name, valueOf(name, index)]));
    const flags = Object.entries(values).map(([name, value]) => `--${toKebabCase(name)}=${value}`);
    const expected = { ...DEFAULT_LIMITS, ...values };
    expect((await read("--store", store, ...flags))?.config.limits).toEqual(expected);
    expect((await read("--store", store))?.config.limits).toEqual(DEFAULT_LIMITS);
    for (const [name, value] of Object.entries(values)) vi.stubEnv(variableOf(name), String(value));
    expect((await read("--store", store))?.config.limits).toEqual(expected);
  },
);

function isLeaseTime(name: string): name is keyof LeaseTimes {
  return Object.hasOwn(DEFAULT_LEASE_TIMES, name);
}

test("the times of the lease have flags and variables, whose values the nodes take and whose defaults are those of the protocol", async () => {
  const times: LeaseTimes = {
    leaseMs: 4_000,
    leaseMarginMs: 201,
    leaseRenewalIntervalMs: 302,
    leaseReplyTimeoutMs: 403,
    leaseConnectTimeoutMs: 504,
    leaseRetryDelayMs: 55,
    leaseCleanupIntervalMs: 6_006,
  };
  const store = ["--store", ENGINES.postgres];
  expect((await read(...store))?.config.postgres?.leaseTimes).toEqual(DEFAULT_LEASE_TIMES);
  const flags = Object.entries(times).map(([name, value]) => `--${toKebabCase(name)}=${value}`);
  expect((await read(...store, ...flags))?.config.postgres?.leaseTimes).toEqual(times);
  for (const [name, value] of Object.entries(times)) vi.stubEnv(variableOf(name), String(value));
  expect((await read(...store))?.config.postgres?.leaseTimes).toEqual(times);
});

test("a longer lease has a margin for the rates of two clocks without its flag, and a shorter one keeps the default", async () => {
  for (const [leaseMs, leaseMarginMs] of [
    [2_001, 101],
    [1_000, 50],
    [900, 50],
  ] as const) {
    const given = await read("--store", ENGINES.postgres, "--lease-ms", String(leaseMs));
    expect(given?.config.postgres?.leaseTimes).toEqual({ ...DEFAULT_LEASE_TIMES, leaseMs, leaseMarginMs });
  }
});

test.each([
  ["--lease-ms 2000 --lease-margin-ms 50", "--lease-margin-ms: expected at least 5 % of --lease-ms"],
  ["--lease-margin-ms 49", "--lease-margin-ms: expected at least 5 % of --lease-ms"],
  [
    "--lease-ms 650",
    "--lease-ms: expected more than --lease-margin-ms, --lease-renewal-interval-ms, --lease-reply-timeout-ms and --lease-retry-delay-ms together (650)",
  ],
  [
    "--lease-connect-timeout-ms 299",
    "--lease-connect-timeout-ms: expected at least --lease-reply-timeout-ms",
  ],
])("times of the lease that break its proof are refused with the flag: %s", async (words, message) => {
  const given = read("--store", ENGINES.postgres, ...words.split(" "));
  await expect(given).rejects.toThrow(new ConfigError(message));
});

test("a limit of one engine is refused with the other, in a flag and in a variable", async () => {
  for (const name of LIMIT_NAMES) {
    const { engine, default: value } = LIMITS[name];
    if (engine === undefined) continue;
    const store = engine === "lmdb" ? ENGINES.postgres : ENGINES.lmdb;
    const expected = `expected only with --store ${engine === "lmdb" ? "lmdb" : "postgres://…"}`;
    const flag = `--${toKebabCase(name)}`;
    await expect(read("--store", store, flag, String(value))).rejects.toThrow(
      new ConfigError(`${flag}: ${expected}`),
    );
    vi.stubEnv(variableOf(name), String(value));
    await expect(read("--store", store)).rejects.toThrow(new ConfigError(`${variableOf(name)}: ${expected}`));
    vi.unstubAllEnvs();
  }
});

test.each(FLAGS)("$name: any other value is refused with the unit and the bounds", ({ name, flag }) => {
  const { unit, minimum = 1 } = flag;
  const maximum = maximumOf(flag);
  const longest = maximum === 2_147_483_647 ? " (24 days, the longest time of a timer)" : "";
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
  "$name: docs/configuration.md has one row for it under its heading, with its unit, default and bounds",
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

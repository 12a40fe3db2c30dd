import type { Argv } from "yargs";
import { ConfigError } from "./config-error.ts";
import { toKebabCase } from "./flag-names.ts";
import { defaultMargin } from "./lease-limits.ts";
import type { LimitFlag, StoreEngine } from "./service-limit.ts";
import { describeBounds, describeLimit, isInBounds } from "./service-limit.ts";
import type { LimitName, ServiceLimits } from "./service-limits.ts";
import { DEFAULT_LIMITS, LIMITS, LIMIT_GROUPS, LIMIT_NAMES, UPSTREAM_TIMEOUT } from "./service-limits.ts";

/** The limits as flags and variables give them. */
export interface RawLimits {
  readonly limits?: Partial<ServiceLimits>;
  /** The longest time that a target may be silent: raises every limit that would end the wait sooner. */
  readonly upstreamTimeoutMs?: number | undefined;
}

/** Adds one flag for each limit. */
export function withLimits<T>(argv: Argv<T>, hidden: boolean): Argv<T> {
  const flags = LIMIT_GROUPS.flatMap(({ title, flags }) =>
    Object.entries(flags).map(([name, flag]) => ({ name, flag, group: `Limits: ${title}` })),
  );
  return flags.reduce(
    (all, { name, flag, group }) =>
      all.option(toKebabCase(name), {
        type: "number",
        requiresArg: true,
        hidden,
        describe: helpOf(flag),
        group,
      }),
    argv,
  );
}

function helpOf(flag: LimitFlag): string {
  return flag.default === undefined
    ? describeLimit(flag)
    : `${describeLimit(flag)} [default: ${flag.default}]`;
}

/** The limits that were given, in a flag or a variable. */
export function pickLimits(given: Readonly<Record<string, unknown>>): RawLimits {
  const limits: Partial<Record<LimitName, number>> = {};
  for (const name of LIMIT_NAMES) {
    const value = given[name];
    if (typeof value === "number") limits[name] = value;
  }
  const upstreamTimeoutMs = given["upstreamTimeoutMs"];
  return typeof upstreamTimeoutMs === "number" ? { limits, upstreamTimeoutMs } : { limits };
}

/** @throws ConfigError for a value that is out of bounds. */
export function readLimits({ limits = {}, upstreamTimeoutMs }: RawLimits): ServiceLimits {
  for (const name of LIMIT_NAMES) checkLimit(name, LIMITS[name], limits[name]);
  return {
    ...DEFAULT_LIMITS,
    ...raisedTimeouts(upstreamTimeoutMs),
    ...defaultMargin(limits.leaseMs),
    ...limits,
  };
}

/** What names an engine of the store, for messages. */
const STORE_FLAGS: Readonly<Record<StoreEngine, string>> = {
  lmdb: "--store lmdb",
  postgres: "--store postgres://…",
};

/** @throws ConfigError for a limit of another engine: it would limit nothing, or `--store` is missing. */
export function rejectLimitsOfOtherEngines({ limits = {} }: RawLimits, engine: StoreEngine): void {
  for (const name of LIMIT_NAMES) {
    const { engine: only = engine } = LIMITS[name];
    if (limits[name] === undefined || only === engine) continue;
    throw new ConfigError(`--${toKebabCase(name)}: expected only with ${STORE_FLAGS[only]}`);
  }
}

/** Limits that end a wait for a target: all must be as long as the longest time that a target may take. */
function raisedTimeouts(upstreamTimeoutMs: number | undefined): Partial<ServiceLimits> {
  if (upstreamTimeoutMs === undefined) return {};
  checkLimit("upstreamTimeoutMs", UPSTREAM_TIMEOUT, upstreamTimeoutMs);
  return {
    upstreamResponseTimeoutMs: upstreamTimeoutMs,
    upstreamIdleTimeoutMs: upstreamTimeoutMs,
    invocationTimeoutMs: Math.max(upstreamTimeoutMs, DEFAULT_LIMITS.invocationTimeoutMs),
  };
}

function checkLimit(name: string, flag: LimitFlag, value: number | undefined): void {
  if (value === undefined || isInBounds(flag, value)) return;
  throw new ConfigError(`--${toKebabCase(name)}: expected ${describeBounds(flag)}`);
}

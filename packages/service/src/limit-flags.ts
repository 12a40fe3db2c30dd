import type { Argv } from "yargs";
import { toKebabCase } from "./config.ts";
import { LIMIT_DESCRIPTIONS } from "./limit-descriptions.ts";
import type { Limits } from "./limits.ts";
import { DEFAULT_LIMITS } from "./limits.ts";

const LIMIT_NAMES = Object.keys(DEFAULT_LIMITS).filter(
  (name): name is keyof Limits => name in DEFAULT_LIMITS,
);

const LIMITS_GROUP = "Limits:";

/** Adds one flag for each limit. */
export function withLimits<T>(argv: Argv<T>, hidden: boolean): Argv<T> {
  return LIMIT_NAMES.reduce(
    (all, name) =>
      all.option(toKebabCase(name), {
        type: "number",
        requiresArg: true,
        hidden,
        describe: `${LIMIT_DESCRIPTIONS[name]} [default: ${DEFAULT_LIMITS[name]}]`,
        group: LIMITS_GROUP,
      }),
    argv.option("upstream-timeout-ms", {
      type: "number",
      requiresArg: true,
      hidden,
      describe:
        "Milliseconds that a target may be silent: raises upstream-response-timeout-ms and upstream-idle-timeout-ms together, unless they are given",
      group: LIMITS_GROUP,
    }),
  );
}

/** The limits that were given, in a flag or a variable. */
export function pickLimits(given: Readonly<Record<string, unknown>>): Partial<Record<keyof Limits, number>> {
  const limits: Partial<Record<keyof Limits, number>> = {};
  for (const name of LIMIT_NAMES) {
    const value = given[name];
    if (typeof value === "number") limits[name] = value;
  }
  return limits;
}

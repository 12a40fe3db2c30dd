import { ConfigError } from "./config-error.ts";
import { toKebabCase, toVariable } from "./flag-names.ts";
import { VALUE_EXPECTED } from "./unknown-argument.ts";
import { VARIABLE_PREFIX } from "./variables.ts";

/** Flags that may be given more than once. */
const LISTS: ReadonlySet<string> = new Set([
  "authority-alias",
  "authority-ca",
  "allow-target",
  "trust-proxy",
]);

/** Flags that are on or off. */
const SWITCHES: ReadonlySet<string> = new Set([
  "audit-required",
  "forbid-http-targets",
  "forbid-unverified-targets",
  "head-memo",
  "tls",
]);

/** Flags that `--no-` turns off. */
const NEGATABLE: ReadonlySet<string> = new Set([
  ...SWITCHES,
  "profile",
  "json",
  "revoke",
  "help",
  "h",
  "version",
  "v",
]);

/** Flags that act instead of configuring: in a variable, one would do so at every start. */
const ACTIONS: ReadonlySet<string> = new Set(["HELP", "H", "VERSION", "V", "REVOKE", "KEY", "FORGETS"]);

/** @throws ConfigError for a variable that would print help or the version, revoke, or forget, at every start. */
export function rejectActionVariables(environment: NodeJS.ProcessEnv): void {
  const action = Object.keys(environment).find(
    (name) => name.startsWith(VARIABLE_PREFIX) && ACTIONS.has(name.slice(VARIABLE_PREFIX.length)),
  );
  if (action !== undefined) throw new ConfigError(`${action}: no such variable`);
}

/** @throws ConfigError for a flag that was given more than once, without a value, or as `--no-FLAG` where that means nothing. */
export function rejectAmbiguousFlags(flags: Readonly<Record<string, unknown>>): true {
  for (const [name, value] of Object.entries(flags)) {
    const flag = toKebabCase(name);
    if (name === "_" || name === "$0" || name === "directory" || name === "files") continue;
    if (Array.isArray(value) && !LISTS.has(flag)) throw new ConfigError(`--${flag}: expected once`);
    if (value === false && !NEGATABLE.has(flag)) throw new ConfigError(`--no-${flag}: no such flag`);
    const isEmpty = value === "" || (Array.isArray(value) && value.includes(""));
    if (isEmpty && !SWITCHES.has(flag)) throw new ConfigError(`--${flag}: ${VALUE_EXPECTED}`);
  }
  return true;
}

/** Whether a flag was given on the command line, which holds instead of its variable. */
export function isOnCommandLine(flag: string, args: readonly string[]): boolean {
  return args.some((word) => word.replace(/=.*/s, "") === `--${flag}`);
}

/**
 * Names the variable instead of the flag in an error, if the value came from the variable: the operator must correct it there.
 */
export function nameVariable(
  error: unknown,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): unknown {
  const [, flag, rest] =
    (error instanceof ConfigError && /^--([a-z0-9-]+)(: .*)$/s.exec(error.message)) || [];
  if (flag === undefined || isOnCommandLine(flag, args)) return error;
  const variable = toVariable(flag);
  return environment[variable] === undefined
    ? error
    : new ConfigError(`${variable}${rest}`, { cause: error });
}

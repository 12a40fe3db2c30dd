import type { Result } from "capability-protocol";
import { err, ok } from "capability-protocol/result";
import type { LimitsBody } from "capability-sdk";
import type { TargetOptionName } from "../target-options.ts";
import { TARGET_OPTIONS } from "../target-options.ts";
import type { FilledOption, Preset } from "./preset.ts";

/** What the command line says where a preset says something too. */
export interface Explicit {
  /** All values of an option; nothing if it was not given. */
  readonly values: (name: TargetOptionName) => readonly string[] | undefined;
  /** Values of `--only`. */
  readonly only: readonly string[];
  /** Those of options and of the file. */
  readonly limits: LimitsBody;
}

/** What a preset has filled in: nothing of it was given. */
export interface FilledByPreset {
  readonly options: readonly FilledOption[];
  readonly limits: LimitsBody;
  /** Whether {@link Preset.access} is true: nothing was given that says something else of it. */
  readonly isAccessOwn: boolean;
  /** Whether the limits of {@link Preset.only} are among them. */
  readonly isNarrowed: boolean;
}

/** A wrong option, and what was expected of it. */
export interface OptionProblem {
  readonly option: string;
  readonly expected: string;
}

/** What decides what clients may do at a target. */
const ACCESS_OPTIONS: readonly TargetOptionName[] = [
  "method",
  "allow-path",
  "allow-query",
  "allow-query-key",
  "allow-header",
];
const ACCESS_LIMITS: readonly string[] = ["methods", "paths", "query", "headers", "requests"];

/** With more, the alternatives of a limit would be too many. */
const MAX_ONLY = 16;

/** Returns what a preset adds to a command line. What the command line says stays as it is. */
export function applyPreset(preset: Preset, explicit: Explicit): Result<FilledByPreset, OptionProblem> {
  const uri = fillUri(preset, explicit);
  if (!uri.ok) return uri;
  const narrowed = narrow(preset, explicit);
  if (!narrowed.ok) return narrowed;
  const limits = withoutDecided({ ...preset.limits, ...narrowed.value }, explicit.limits);
  return ok({
    options: [...uri.value, ...preset.options].filter((option) => isNeeded(option, explicit)),
    limits,
    isAccessOwn:
      !ACCESS_OPTIONS.some((name) => explicit.values(name) !== undefined) &&
      !ACCESS_LIMITS.some((name) => name in explicit.limits),
    isNarrowed: Object.keys(narrowed.value).some((name) => name in limits),
  });
}

function fillUri(
  { name, uri }: Preset,
  { values }: Explicit,
): Result<readonly FilledOption[], OptionProblem> {
  if (values("uri") !== undefined) return ok([]);
  if (uri === undefined)
    return err({ option: "--uri", expected: `the server's URI, which --preset ${name} does not know` });
  if (typeof uri === "string") return ok([["uri", uri]]);
  const [region = ""] = values("aws4-hmac-sha256-region") ?? [];
  return /^[a-z0-9-]{1,40}$/.test(region)
    ? ok([["uri", uri(region)]])
    : err({
        option: "--aws4-hmac-sha256-region",
        expected: "the target's region, such as us-east-1, or its URI in --uri",
      });
}

/** Options of which at most one can be given. */
const QUERY_OPTIONS: readonly TargetOptionName[] = ["allow-query", "allow-query-key"];

/** An option that repeats is added to those that were given, any other is replaced by the one that was given. */
function isNeeded([name, value]: FilledOption, { values }: Explicit): boolean {
  if (QUERY_OPTIONS.includes(name) && QUERY_OPTIONS.some((other) => other !== name && values(other)))
    return false;
  const given = values(name);
  if (given === undefined) return true;
  return (
    TARGET_OPTIONS[name].repeats === true && !given.some((each) => each.toLowerCase() === value.toLowerCase())
  );
}

/** Returns the limits that the values of `--only` mean. */
function narrow(
  { name: presetName, only, limits: presetLimits }: Preset,
  { only: values, limits: explicit }: Explicit,
): Result<LimitsBody, OptionProblem> {
  const refuse = (expected: string) => err({ option: "--only", expected });
  if (only === undefined) {
    return values.length === 0
      ? ok({})
      : refuse(`no value with --preset ${presetName}; --path limits its paths`);
  }
  if (values.length > MAX_ONLY) return refuse(`at most ${MAX_ONLY} values`);
  if (values.length === 0 && only.isRequired)
    return isDecided("paths", explicit) ? ok({}) : refuse(`${only.form}, which --preset ${presetName} needs`);
  const limits = only.limits(values);
  if (limits === undefined) return refuse(only.form);
  const other = Object.keys(limits).find((name) => !(name in presetLimits) && isDecided(name, explicit));
  return other !== undefined && values.length > 0
    ? refuse(`no value, since other options or the file of --from limit the same (${other})`)
    : ok(limits);
}

/** Limits on where requests go: a preset's paths would narrow those that were given in place of them. */
const PLACES: readonly string[] = ["paths", "requests"];

function isDecided(name: string, explicit: LimitsBody): boolean {
  const same = PLACES.includes(name) ? PLACES : [name];
  return Object.keys(explicit).some((given) => same.includes(given));
}

function withoutDecided(limits: LimitsBody, explicit: LimitsBody): LimitsBody {
  return Object.fromEntries(Object.entries(limits).filter(([name]) => !isDecided(name, explicit)));
}

import { Failure } from "../failure.ts";
import type { SecretReader } from "../secret.ts";
import type { Option } from "./option.ts";

/** The options that a command was given, each read in the way that its table entry says. */
export interface Given<Name extends string> {
  text(name: Name): string | undefined;
  /** As {@link text}, behind `@FILE` and `@-`. */
  secret(name: Name): Promise<string | undefined>;
  /** Every value of an option that repeats, behind `@FILE` and `@-`. */
  secrets(name: Name): Promise<readonly string[]>;
  isOn(name: Name): boolean | undefined;
}

/**
 * @param flags what the parser found, by option name.
 * @throws Failure for an option given twice that stands once, and for a switch that is neither true nor false.
 */
export function readGiven<Name extends string>(
  flags: Readonly<Record<string, unknown>>,
  options: Readonly<Record<Name, Option>>,
  reader: SecretReader,
): Given<Name> {
  const values = new Map<string, readonly string[]>();
  for (const [name, option] of Object.entries<Option>(options)) {
    const given = textsOf(flags[name]);
    if (given.length > 1 && option.repeats !== true) throw new Failure(`--${name}: expected once`);
    if (option.takes === "switch" && !given.every((value) => value === "true" || value === "false")) {
      throw new Failure(`--${name}: expected true or false`);
    }
    values.set(name, given);
  }
  const text = (name: Name): string | undefined => values.get(name)?.[0];
  return {
    text,
    async secret(name) {
      const value = text(name);
      return value === undefined ? undefined : reader.read(`--${name}`, value);
    },
    async secrets(name) {
      const read: string[] = [];
      for (const value of values.get(name) ?? []) read.push(await reader.read(`--${name}`, value));
      return read;
    },
    isOn(name) {
      const value = text(name);
      return value === undefined ? undefined : value === "true";
    },
  };
}

function textsOf(value: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((each) => typeof each === "string");
}

import type { SecretReader } from "../secret.ts";

/** The options that a command was given, each read in the way that its table entry says. */
export interface OptionValues<Name extends string> {
  text(name: Name): string | undefined;
  /** As {@link text}, behind `@FILE` and `@-`. */
  secret(name: Name): Promise<string | undefined>;
  /** Every value of an option that repeats, behind `@FILE` and `@-`. */
  secrets(name: Name): Promise<readonly string[]>;
  isOn(name: Name): boolean | undefined;
}

export function readOptionValues<Name extends string>(
  values: ReadonlyMap<string, readonly string[]>,
  reader: SecretReader,
): OptionValues<Name> {
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

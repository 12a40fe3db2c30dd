import type { SecretReader } from "../secret.ts";

/** Reads the options that a command was given, each in the way that its spec says. */
export interface OptionValues<Name extends string> {
  /** The names of the options that were given. */
  readonly given: ReadonlySet<string>;
  text(name: Name): string | undefined;
  /** Reads a value like {@link text}, also from `@FILE` and `@-`. */
  secret(name: Name): Promise<string | undefined>;
  /** Reads every value of an option that repeats, also from `@FILE` and `@-`. */
  secrets(name: Name): Promise<readonly string[]>;
  /** All values of an option that repeats. */
  texts(name: Name): readonly string[] | undefined;
  isOn(name: Name): boolean | undefined;
}

export function readOptionValues<Name extends string>(
  values: ReadonlyMap<string, readonly string[]>,
  reader: SecretReader,
): OptionValues<Name> {
  const text = (name: Name): string | undefined => values.get(name)?.[0];
  return {
    given: new Set(values.keys()),
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
    texts: (name) => values.get(name),
    isOn(name) {
      const value = text(name);
      return value === undefined ? undefined : value === "true";
    },
  };
}

/**
 * Adds values to those of the command line. An option that repeats has both, a default first; any other has the one of the command
 * line if it was given. A default is never read as `@FILE`.
 */
export function withDefaults<Name extends string>(
  values: OptionValues<Name>,
  defaults: readonly (readonly [name: Name, value: string])[],
): OptionValues<Name> {
  const defaultsOf = (name: Name) => defaults.flatMap(([other, value]) => (other === name ? [value] : []));
  return {
    given: values.given,
    text: (name) => values.text(name) ?? defaultsOf(name)[0],
    secret: async (name) => (await values.secret(name)) ?? defaultsOf(name)[0],
    secrets: async (name) => [...defaultsOf(name), ...(await values.secrets(name))],
    texts(name) {
      const all = [...defaultsOf(name), ...(values.texts(name) ?? [])];
      return all.length === 0 ? undefined : all;
    },
    isOn(name) {
      const [value] = defaultsOf(name);
      return values.isOn(name) ?? (value === undefined ? undefined : value === "true");
    },
  };
}

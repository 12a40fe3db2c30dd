import type { Command } from "../command.ts";
import type { SecretReader } from "../secret.ts";
import type { Given } from "./given.ts";
import { readGiven } from "./given.ts";
import type { Option, Options } from "./option.ts";

/** All that the command line knows of a command. */
export interface Entry {
  /** Its words, such as `membrane create`. */
  readonly name: Command["name"];
  readonly describe: string;
  readonly options: Options;
  /** A word of its own behind the command, which may be left out. */
  readonly operand?: { readonly name: string; readonly describe: string };
  /** Command lines and what they do. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  /** @throws Failure that names the option that is not what it should be. */
  read(flags: Readonly<Record<string, unknown>>, secrets: SecretReader): Promise<Command>;
}

/** An entry whose reader can ask for its own options alone. */
export function entry<Name extends string>(spec: {
  readonly name: Entry["name"];
  readonly describe: string;
  readonly options: Readonly<Record<Name, Option>>;
  readonly operand?: NonNullable<Entry["operand"]>;
  readonly examples: Entry["examples"];
  readonly read: (
    given: Given<Name>,
    secrets: SecretReader,
    operand: string | undefined,
  ) => Command | Promise<Command>;
}): Entry {
  const { read, ...rest } = spec;
  return {
    ...rest,
    async read(flags, secrets) {
      const operand = spec.operand === undefined ? undefined : flags[spec.operand.name];
      const given = readGiven<Name>(flags, spec.options, secrets);
      return read(given, secrets, typeof operand === "string" ? operand : undefined);
    },
  };
}

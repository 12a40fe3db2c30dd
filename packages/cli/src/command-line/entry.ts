import type { SecretReader } from "../secret.ts";
import type { Command } from "./command.ts";
import type { Given } from "./given.ts";
import { readGiven } from "./given.ts";
import type { Option } from "./option.ts";
import type { ParsedWords, Shape } from "./words.ts";

/** All that the command line knows of a command. */
export interface Entry extends Shape {
  readonly name: Command["name"];
  readonly describe: string;
  /** A word of its own behind the command, which may be left out. */
  readonly operand?: { readonly name: string; readonly describe: string } | undefined;
  /** Command lines and what they do. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  /** @throws Failure that names the option that is not what it should be. */
  read(words: ParsedWords, secrets: SecretReader): Promise<Command>;
}

/** An entry whose reader can ask for its own options alone. */
export function entry<Name extends string>(
  spec: Omit<Entry, "options" | "read"> & {
    readonly options: Readonly<Record<Name, Option>>;
    readonly read: (
      given: Given<Name>,
      secrets: SecretReader,
      operand: string | undefined,
    ) => Command | Promise<Command>;
  },
): Entry {
  return {
    ...spec,
    async read({ values, operands }, secrets) {
      return spec.read(readGiven<Name>(values, secrets), secrets, operands[0]);
    },
  };
}

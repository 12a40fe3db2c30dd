import { findExposedSecrets } from "../parse/exposed-secrets.ts";
import { readOptionValues } from "../parse/option-values.ts";
import type { ParsedArgs } from "../parse/parse-args.ts";
import type { CommandSpec } from "../parse/command-spec.ts";
import type { SecretReader } from "../secret.ts";
import { printWarning } from "../terminal.ts";
import type { CommandAction, Invocation } from "./command.ts";

/** Reads the input of a command, whose action is loaded. */
export async function prepare<Name extends string, Input extends object>(
  spec: CommandSpec<Name>,
  { read, run }: CommandAction<Name, Input>,
  args: ParsedArgs,
  secrets: SecretReader,
): Promise<Invocation> {
  const input = await read(readOptionValues<Name>(args.values, secrets), secrets, args.operands[0]);
  const exposed = findExposedSecrets(spec, args);
  return {
    name: spec.name,
    input,
    run(io) {
      if (exposed.length > 0 && io.stderr.isTTY === true) printWarning(io, exposureOf(exposed));
      return run(input, io);
    },
  };
}

function exposureOf(names: readonly string[]): string {
  return `${names.join(", ")}: other users of this machine can read what is on a command line; @FILE in its place hides it`;
}

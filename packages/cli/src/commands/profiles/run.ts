import { listProfiles } from "capability-sdk/profiles";
import { configureCommand } from "../../capability/profile-option.ts";
import { printHint, sanitize } from "../../terminal.ts";
import type { Io } from "../../io.ts";

export function read(): object {
  return {};
}

/** `capi profiles`: prints one name per line, for people and for scripts. */
export async function run(_input: object, io: Io): Promise<void> {
  const names = await listProfiles(await io.profiles());
  for (const name of names) io.stdout.write(`${sanitize(name)}\n`);
  if (names.length === 0) printHint(io, `None yet: ${configureCommand(undefined)}`);
}

import { listProfiles } from "capability-sdk/profiles";
import { configureLine } from "../capability/named-profile.ts";
import { hint, showable } from "../terminal.ts";
import type { World } from "../world.ts";

/** `capi profiles`: the names, one a line, for people and for scripts. */
export async function profiles(world: World): Promise<void> {
  const names = await listProfiles(world.profiles);
  for (const name of names) world.stdout.write(`${showable(name)}\n`);
  if (names.length === 0) hint(world, `None yet: ${configureLine(undefined)}`);
}

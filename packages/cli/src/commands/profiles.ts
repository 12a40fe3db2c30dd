import { listProfiles } from "capability-sdk/profiles";
import { hint } from "../terminal.ts";
import type { World } from "../world.ts";

/** `capi profiles`: the names, one a line, for people and for scripts. */
export async function profiles(world: World): Promise<void> {
  const names = await listProfiles(world.profiles);
  for (const name of names) world.stdout.write(`${name}\n`);
  if (names.length === 0) hint(world, "None yet: capi config configure --service membrane");
}

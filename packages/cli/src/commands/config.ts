import { type Profile, listProfiles, readProfile, removeProfile } from "capability-sdk/profiles";
import type { ConfigCommand } from "../command.ts";
import { Failure } from "../failure.ts";
import type { World } from "../world.ts";
import { configure } from "./configure.ts";
import { describeCertificates, previewCapability } from "./preview.ts";

/** `capi config …`: what the profiles hold. No whole capability is ever printed. */
export async function config(command: ConfigCommand, world: World): Promise<void> {
  switch (command.name) {
    case "config configure":
      return configure(command, world);
    case "config list":
      return list(command.profile, world);
    case "config remove":
      return remove(command.profile, world);
  }
}

async function list(name: string, world: World): Promise<void> {
  const profile = await readProfile(world.profiles, name);
  if (profile === undefined) throw await unknownProfile(name, world.profiles);
  world.stdout.write(`${JSON.stringify(shown(profile), null, 2)}\n`);
}

async function remove(name: string, world: World): Promise<void> {
  if (!(await removeProfile(world.profiles, name))) throw await unknownProfile(name, world.profiles);
  world.stderr.write(
    `Removed the profile "${name}". Its capabilities live on: who holds a copy can use them until they are revoked\n`,
  );
}

function shown({ name, capabilities, trustedCA }: Profile): object {
  return {
    profile: name,
    membrane: {
      capabilities: mapValues(capabilities, previewCapability),
      trustedCA: mapValues(trustedCA, describeCertificates),
    },
  };
}

function mapValues(texts: object, map: (text: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, map(String(text))]));
}

async function unknownProfile(name: string, directory: string): Promise<Failure> {
  const names = await listProfiles(directory);
  const known = names.length === 0 ? "there is none yet" : `there is ${names.join(", ")}`;
  return new Failure(`no profile "${name}"; ${known}`, `capi config configure --service membrane`);
}

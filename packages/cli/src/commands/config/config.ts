import { type Profile, removeProfile } from "capability-sdk/profiles";
import { noProfile, requireProfile } from "../../capability/named-profile.ts";
import type { ConfigCommand } from "../../command-line/command.ts";
import { formatJson } from "../../output.ts";
import { showable } from "../../terminal.ts";
import type { World } from "../../world.ts";
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

const OTHERWISE = "capi config configure   makes profiles.";

async function list(name: string, world: World): Promise<void> {
  const profile = await requireProfile(world.profiles, name, OTHERWISE);
  world.stdout.write(formatJson(shown(profile)));
}

async function remove(name: string, world: World): Promise<void> {
  if (!(await removeProfile(world.profiles, name))) throw await noProfile(world.profiles, name, OTHERWISE);
  world.stderr.write(
    `Removed the profile "${showable(name)}". Its capabilities live on: who holds a copy can use them until they are revoked\n`,
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

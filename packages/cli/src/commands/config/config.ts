import { type Profile, removeProfile } from "capability-sdk/profiles";
import { profileNotFound, requireProfile } from "../../capability/named-profile.ts";
import type { ConfigCommand } from "../../command-line/command.ts";
import { formatJson } from "../../output.ts";
import { sanitize } from "../../terminal.ts";
import type { Io } from "../../io.ts";
import { configure } from "./configure.ts";
import { describeCertificates, previewCapability } from "./preview.ts";

/** `capi config …`: what the profiles hold. No whole capability is ever printed. */
export async function config(command: ConfigCommand, io: Io): Promise<void> {
  switch (command.name) {
    case "config configure":
      return configure(command, io);
    case "config list":
      return list(command.profile, io);
    case "config remove":
      return remove(command.profile, io);
  }
}

const CONFIGURE_HINT = "capi config configure   makes profiles.";

async function list(name: string, io: Io): Promise<void> {
  const profile = await requireProfile(io.profiles, name, CONFIGURE_HINT);
  io.stdout.write(formatJson(describeProfile(profile)));
}

async function remove(name: string, io: Io): Promise<void> {
  if (!(await removeProfile(io.profiles, name)))
    throw await profileNotFound(io.profiles, name, CONFIGURE_HINT);
  io.stderr.write(
    `Removed the profile "${sanitize(name)}". Its capabilities live on: who holds a copy can use them until they are revoked\n`,
  );
}

function describeProfile({ name, capabilities, trustedCA }: Profile): object {
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

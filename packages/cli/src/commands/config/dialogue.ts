import type { Authority, Parsed } from "capability-protocol";
import { accept } from "capability-protocol";
import type { Profile } from "capability-sdk/profiles";
import { parseResolvable } from "../../capability/resolvable.ts";
import type { TenantCapabilities, TenantRight } from "../../capability/tenant-capabilities.ts";
import {
  TENANT_RIGHTS,
  authoritiesOf,
  formatCapabilities,
  readSaved,
} from "../../capability/tenant-capabilities.ts";
import { readCaFile } from "../../trust/ca-file.ts";
import { caFor } from "../../trust/ca-for.ts";
import type { World } from "../../world.ts";
import { nameCertificates, previewCapability } from "./preview.ts";
import { Prompt } from "./prompt.ts";

/**
 * Asks for each capability and for the CA of each of their authorities; Enter keeps what is saved or leaves it out.
 * Returns what is new.
 *
 * @throws Failure when it is cancelled, or when three answers in a row are wrong.
 */
export async function askForProfile(
  name: string,
  saved: Profile | undefined,
  world: Pick<World, "stdin" | "stderr">,
): Promise<Profile> {
  const prompt = new Prompt(world);
  try {
    const given = await askForCapabilities(prompt, saved?.capabilities ?? {});
    const capabilities = formatCapabilities(given);
    const authorities = authoritiesOf(readSaved({ ...saved?.capabilities, ...capabilities }));
    const trustedCA = await askForTrust(prompt, authorities, saved?.trustedCA ?? {});
    prompt.requireNoMore();
    return { name, capabilities, trustedCA };
  } finally {
    prompt.close();
  }
}

async function askForCapabilities(
  prompt: Prompt,
  saved: Profile["capabilities"],
): Promise<TenantCapabilities> {
  const ask = ({ key, name }: TenantRight) => {
    const text = `${name} capability [${preview(saved[key], previewCapability)}]: `;
    return prompt.askUntilRight({ text, isEchoed: false }, optional(parseResolvable));
  };
  return {
    create: await ask(TENANT_RIGHTS.create),
    query: await ask(TENANT_RIGHTS.query),
    deleteSelf: await ask(TENANT_RIGHTS.deleteSelf),
  };
}

async function askForTrust(
  prompt: Prompt,
  authorities: readonly Authority[],
  saved: Profile["trustedCA"],
): Promise<Profile["trustedCA"]> {
  const given: [Authority, string][] = [];
  for (const authority of authorities) {
    const known = preview(caFor(authority, saved), nameCertificates);
    const text = `file of the CA certificate to trust for ${authority}, if it is private [${known}]: `;
    const answer = await prompt.askUntilRight({ text, isEchoed: true }, optional(readCaFile));
    if (answer !== undefined) given.push([authority, answer]);
  }
  return Object.fromEntries(given);
}

/** Enter alone is an answer too. */
function optional<T>(
  read: (answer: string) => Parsed<T> | Promise<Parsed<T>>,
): (answer: string) => Promise<Parsed<T | undefined>> {
  return async (answer) => (answer === "" ? accept(undefined) : read(answer));
}

function preview(saved: string | undefined, show: (saved: string) => string): string {
  return saved === undefined ? "none" : show(saved);
}

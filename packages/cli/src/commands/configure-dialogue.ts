import { type Authority, type Parsed, accept, normalizeAuthority, parseAuthority } from "capability-protocol";
import type { Profile } from "capability-sdk/profiles";
import { Prompt } from "../prompt.ts";
import type { World } from "../world.ts";
import { readCaFile } from "./ca-file.ts";
import { nameCertificates, previewCapability } from "./preview.ts";
import {
  TENANT_CAPABILITIES,
  type TenantCapabilities,
  authoritiesOf,
  readCapability,
} from "./tenant-capabilities.ts";

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
    const capabilities = await askForCapabilities(prompt, saved?.capabilities ?? {});
    const authorities = authoritiesOf({ ...saved?.capabilities, ...capabilities });
    const trustedCA = await askForTrust(prompt, authorities, saved?.trustedCA ?? {});
    prompt.requireNoMore();
    return { name, capabilities, trustedCA };
  } finally {
    prompt.close();
  }
}

async function askForCapabilities(prompt: Prompt, saved: TenantCapabilities): Promise<TenantCapabilities> {
  const given: { -readonly [key in keyof TenantCapabilities]: TenantCapabilities[key] } = {};
  for (const { key, name } of TENANT_CAPABILITIES) {
    const text = `${name} capability [${preview(saved[key], previewCapability)}]: `;
    const answer = await prompt.askUntilRight({ text, isEchoed: false }, optional(checkCapability));
    if (answer !== undefined) given[key] = answer;
  }
  return given;
}

async function askForTrust(
  prompt: Prompt,
  authorities: readonly Authority[],
  saved: Profile["trustedCA"],
): Promise<Profile["trustedCA"]> {
  const given: [Authority, string][] = [];
  for (const authority of authorities) {
    const known = preview(savedFor(authority, saved), nameCertificates);
    const text = `file of the CA certificate to trust for ${authority}, if it is private [${known}]: `;
    const answer = await prompt.askUntilRight({ text, isEchoed: true }, optional(readCaFile));
    if (answer !== undefined) given.push([authority, answer]);
  }
  return Object.fromEntries(given);
}

/** Enter alone is an answer too. */
function optional<T>(
  read: (answer: string) => Promise<Parsed<T>>,
): (answer: string) => Promise<Parsed<T | undefined>> {
  return async (answer) => (answer === "" ? accept(undefined) : read(answer));
}

async function checkCapability(answer: string): Promise<Parsed<string>> {
  const uri = readCapability(answer);
  return uri.ok ? accept(answer) : uri;
}

function preview(saved: string | undefined, show: (saved: string) => string): string {
  return saved === undefined ? "none" : show(saved);
}

function savedFor(authority: Authority, saved: Profile["trustedCA"]): string | undefined {
  const isSame = (name: string): boolean => {
    const parsed = parseAuthority(name);
    return parsed !== undefined && normalizeAuthority(parsed) === authority;
  };
  return Object.entries(saved).find(([name]) => isSame(name))?.[1];
}

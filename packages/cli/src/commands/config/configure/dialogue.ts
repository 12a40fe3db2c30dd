import type { Authority, Parsed } from "capability-protocol";
import { ok } from "capability-protocol/result";
import type { Profile } from "capability-sdk/profiles";
import { parseResolvable } from "../../../capability/resolvable.ts";
import type { TenantCapabilityUris, TenantRight } from "../../../capability/tenant-capabilities.ts";
import {
  TENANT_RIGHTS,
  authoritiesOf,
  formatCapabilities,
  parseSavedCapabilities,
} from "../../../capability/tenant-capabilities.ts";
import { readCaFile } from "../../../trust/ca-file.ts";
import { findCa } from "../../../trust/find-ca.ts";
import type { Io } from "../../../io.ts";
import { listCertificateSubjects, previewCapability } from "../preview.ts";
import { Prompt } from "./prompt.ts";

/**
 * Asks for each capability and for the CA of each of their authorities. Enter keeps the saved value, or leaves it out. Returns the
 * new values.
 *
 * @throws CliError when it is cancelled, or when three answers in a row are wrong.
 */
export async function askForProfile(
  name: string,
  saved: Profile | undefined,
  io: Pick<Io, "stdin" | "stderr">,
): Promise<Profile> {
  const prompt = new Prompt(io);
  try {
    const entered = await askForCapabilities(prompt, saved?.capabilities ?? {});
    const capabilities = formatCapabilities(entered);
    const authorities = authoritiesOf(parseSavedCapabilities({ ...saved?.capabilities, ...capabilities }));
    const trustedCA = await askForTrust(prompt, authorities, saved?.trustedCA ?? {});
    prompt.requireNoMoreInput();
    return { name, capabilities, trustedCA };
  } finally {
    prompt.close();
  }
}

async function askForCapabilities(
  prompt: Prompt,
  saved: Profile["capabilities"],
): Promise<TenantCapabilityUris> {
  const ask = ({ key, name }: TenantRight) => {
    const text = `${name} capability [${preview(saved[key], previewCapability)}]: `;
    return prompt.askUntilValid({ text, isEchoed: false }, optional(parseResolvable));
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
  const entered: [Authority, string][] = [];
  for (const authority of authorities) {
    const known = preview(findCa(authority, saved), listCertificateSubjects);
    const text = `file of the CA certificate to trust for ${authority}, if it is private [${known}]: `;
    const answer = await prompt.askUntilValid({ text, isEchoed: true }, optional(readCaFile));
    if (answer !== undefined) entered.push([authority, answer]);
  }
  return Object.fromEntries(entered);
}

/** Makes a parser that also accepts an empty answer. */
function optional<T>(
  read: (answer: string) => Parsed<T> | Promise<Parsed<T>>,
): (answer: string) => Promise<Parsed<T | undefined>> {
  return async (answer) => (answer === "" ? ok(undefined) : read(answer));
}

function preview(saved: string | undefined, show: (saved: string) => string): string {
  return saved === undefined ? "none" : show(saved);
}

import { readFile } from "node:fs/promises";
import type { Authority } from "capability-protocol";
import { normalizeAuthority, parseAuthority } from "capability-protocol";
import type { Profile } from "capability-sdk/profiles";
import type { Access } from "./command.ts";
import { readCaFile, splitCertificates } from "./commands/ca-file.ts";
import { Failure } from "./failure.ts";
import { shellWord } from "./shell.ts";

/**
 * PEM of the CAs that replace the system's for one authority: those of the CA file, else those that the file of
 * authorities has for it, else those of the profile. `undefined`: the system's.
 *
 * @param authority of the capability that is used.
 * @throws Failure that names the option, or the profile, whose certificates are none.
 */
export async function readCa(
  access: Pick<Access, "trustedCaFile" | "caFile">,
  profile: Profile | undefined,
  authority: Authority,
): Promise<string | undefined> {
  const given = await readGivenCa(access.caFile);
  const listed = await readTrustFile(access.trustedCaFile);
  return given ?? listed.get(normalizeAuthority(authority)) ?? caOfProfile(profile, authority);
}

/** What a profile's file says is not validated where it is read; a name that is no authority is nobody's. */
function caOfProfile(profile: Profile | undefined, authority: Authority): string | undefined {
  const entry = Object.entries(profile?.trustedCA ?? {}).find(([name]) => {
    const known = parseAuthority(name);
    return known !== undefined && normalizeAuthority(known) === normalizeAuthority(authority);
  });
  if (entry === undefined || splitCertificates(entry[1]) !== undefined) return entry?.[1];
  const name = profile?.name ?? "";
  throw new Failure(
    `the CA for ${authority} in the profile "${name}" is no certificate in PEM`,
    `capi config configure --service membrane --profile ${shellWord(name)} --cacert FILE   replaces it.`,
  );
}

const FILE_OPTION = "--trustedCA-file-path";

function malformed(what: string): Failure {
  return new Failure(
    `${FILE_OPTION}: expected a JSON object of authorities and their CAs in PEM; ${what}`,
    'It looks like {"host:port": "-----BEGIN CERTIFICATE-----…"}. For one CA, --cacert FILE does with PEM alone.',
  );
}

async function readTrustFile(path: string | undefined): Promise<ReadonlyMap<Authority, string>> {
  if (path === undefined) return new Map();
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new Failure(`${FILE_OPTION}: ${path} cannot be read`, "Name a file that is there.", { cause });
  });
  const entries = parseObject(text);
  if (entries === undefined) throw malformed("it is no JSON object");
  return new Map(entries.map(([name, pem]) => readTrustEntry(name, pem)));
}

function readTrustEntry(name: string, pem: unknown): readonly [Authority, string] {
  const authority = parseAuthority(name);
  if (authority === undefined) throw malformed("one of its names is no authority");
  if (typeof pem !== "string" || splitCertificates(pem) === undefined) {
    throw malformed(`what stands for ${authority} is no certificate in PEM`);
  }
  return [normalizeAuthority(authority), pem];
}

function parseObject(text: string): readonly (readonly [string, unknown])[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? Object.entries(value) : undefined;
  } catch {
    return undefined;
  }
}

async function readGivenCa(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const pem = await readCaFile(path);
  if (pem.ok) return pem.value;
  throw new Failure(
    `--cacert: expected ${pem.problem.expected}`,
    "A service that made its own CA keeps it in its data directory, at tls/ca.pem.",
  );
}

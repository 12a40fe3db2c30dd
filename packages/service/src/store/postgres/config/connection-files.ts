import { open } from "node:fs/promises";
import type { Result } from "capability-protocol";
import { err, ok } from "capability-protocol";
import { parseCertificates } from "capability-sdk/pem";
import { errorCode, hasCode } from "../../../error-code.ts";
import { parsePrivateKey } from "../../../pem.ts";
import type { ConnectionConfig } from "./connection-config.ts";
import type { ConnectionSettings } from "./connection-settings.ts";
import { findPassword } from "./password-file.ts";

/** Bits of a mode with which others than the owner could read a file; the group of root may read a key, as in libpq. */
const OTHERS = 0o077;
const OTHERS_OF_ROOT = 0o037;

/**
 * Reads the files that settings name.
 *
 * @returns which of them cannot be used, and why; never what is in it.
 */
export async function readConnectionFiles(
  settings: ConnectionSettings,
): Promise<Result<ConnectionConfig, string>> {
  const { host, port, database, user, sslMode, connectTimeoutMs } = settings;
  const password = await readPassword(settings);
  if (!password.ok) return password;
  const ca = await readOptional("sslrootcert", settings.caFile);
  if (!ca.ok) return ca;
  const cert = await readOptional("sslcert", settings.certFile);
  if (!cert.ok) return cert;
  const key = await readOptional("sslkey", settings.keyFile, { forbidden: OTHERS_OF_ROOT });
  if (!key.ok) return key;
  const problem = findPemProblem(settings, { ca: ca.value, cert: cert.value, key: key.value });
  if (problem !== undefined) return err(problem);
  return ok({
    host,
    port,
    database,
    user,
    sslMode,
    connectTimeoutMs,
    ...(password.value === undefined ? {} : { password: password.value }),
    ...(ca.value === undefined ? {} : { ca: ca.value }),
    ...(cert.value === undefined ? {} : { cert: cert.value }),
    ...(key.value === undefined ? {} : { key: key.value }),
  });
}

type PemTexts = { readonly [Name in "ca" | "cert" | "key"]: string | undefined };

/**
 * OpenSSL takes a text without a CA as no CA at all, and the server would seem to have the wrong certificate.
 *
 * @returns what is not in the files that name it.
 */
function findPemProblem(
  { caFile, certFile, keyFile }: ConnectionSettings,
  { ca, cert, key }: PemTexts,
): string | undefined {
  if (ca !== undefined && parseCertificates(ca) === undefined)
    return `sslrootcert: expected the certificates of CAs in PEM in the file ${caFile}`;
  if (cert === undefined || key === undefined) return undefined;
  const [leaf] = parseCertificates(cert) ?? [];
  if (leaf === undefined) return `sslcert: expected the client's certificate in PEM in the file ${certFile}`;
  const privateKey = parsePrivateKey(key);
  if (privateKey === undefined)
    return `sslkey: expected a private key in PEM without a passphrase in the file ${keyFile}`;
  if (!leaf.checkPrivateKey(privateKey))
    return `sslkey: expected the key of the certificate in ${certFile} in the file ${keyFile}`;
  return undefined;
}

async function readPassword(settings: ConnectionSettings): Promise<Result<string | undefined, string>> {
  const { password, passwordFile } = settings;
  if (password !== undefined || passwordFile === undefined) return ok(password);
  const { path, isOptional } = passwordFile;
  const text = await readText("passfile", path, { forbidden: OTHERS, isOptional });
  return text.ok ? ok(text.value && findPassword(text.value, settings)) : text;
}

async function readOptional(
  name: string,
  path: string | undefined,
  rules: FileRules = {},
): Promise<Result<string | undefined, string>> {
  return path === undefined ? ok(undefined) : readText(name, path, rules);
}

interface FileRules {
  /** Bits that must not be set in the mode of a file of root; of a file of another user all of {@link OTHERS}. */
  readonly forbidden?: number;
  /** Whether it need not be there. */
  readonly isOptional?: boolean;
}

async function readText(
  name: string,
  path: string,
  { forbidden = 0, isOptional = false }: FileRules,
): Promise<Result<string | undefined, string>> {
  try {
    await using file = await open(path, "r");
    const { mode, uid } = await file.stat();
    const tooOpen = uid === 0 || forbidden === 0 ? forbidden : OTHERS;
    // libpq leaves out a password file that others can read, and the connection fails for a reason that misleads.
    if ((mode & tooOpen) !== 0)
      return err(`${name}: others can read the file ${path}: expected the mode 0600`);
    return ok(await file.readFile("utf8"));
  } catch (error) {
    if (isOptional && hasCode(error, "ENOENT")) return ok(undefined);
    return err(`${name}: the file ${path} cannot be read (${errorCode(error) ?? "unknown"})`);
  }
}

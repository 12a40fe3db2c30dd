import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { err, ok } from "capability-protocol";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../../../testkit/src/temporary-directory.ts";
import {
  generateAuthorityKey,
  issueAuthorityCertificate,
  issueServerCertificate,
} from "../../../tls/x509.ts";
import { readConnectionFiles } from "./connection-files.ts";

const SETTINGS = {
  host: "db.test",
  port: 5432,
  database: "m",
  user: "u",
  sslMode: "verify-full",
  connectTimeoutMs: 5_000,
} as const;

async function makeCertificates() {
  const now = new Date();
  const authorityKey = await generateAuthorityKey();
  const ca = await issueAuthorityCertificate(authorityKey, now);
  const names = [{ type: "dns", value: "client" }] as const;
  const { cert, key } = await issueServerCertificate({ cert: ca, key: authorityKey }, names, now);
  return { ca, cert, key };
}

async function file(path: string, text: string, mode: number): Promise<string> {
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

test("the contents of all files are read, and the password of the entry that fits", async () => {
  await using directory = await temporaryDirectory();
  const { ca, cert, key } = await makeCertificates();
  const at = (name: string): string => join(directory.path, name);
  const settings = {
    ...SETTINGS,
    passwordFile: { path: await file(at("pgpass"), "*:*:*:*:secret", 0o600), isOptional: false },
    caFile: await file(at("ca"), `# The CA\n${ca}`, 0o644),
    certFile: await file(at("cert"), cert, 0o644),
    keyFile: await file(at("key"), key, 0o600),
  };
  expect(await readConnectionFiles(settings)).toEqual(
    ok({ ...SETTINGS, password: "secret", ca: `# The CA\n${ca}`, cert, key }),
  );
});

test("a password file or a key that others can read is refused, and nothing of it is repeated", async () => {
  await using directory = await temporaryDirectory();
  const path = await file(join(directory.path, "file"), "*:*:*:*:canary", 0o644);
  const passwordFile = { path, isOptional: true };
  expect(await readConnectionFiles({ ...SETTINGS, passwordFile })).toEqual(
    err(`passfile: others can read the file ${path}: expected the mode 0600`),
  );
  expect(await readConnectionFiles({ ...SETTINGS, keyFile: path })).toEqual(
    err(`sslkey: others can read the file ${path}: expected the mode 0600`),
  );
});

test.each([
  ["ca", "canary", "sslrootcert: expected the certificates of CAs in PEM in the file CA"],
  ["ca", "", "sslrootcert: expected the certificates of CAs in PEM in the file CA"],
  [
    "ca",
    "-----BEGIN CERTIFICATE-----\ncanary\n-----END CERTIFICATE-----\n",
    "sslrootcert: expected the certificates of CAs in PEM in the file CA",
  ],
  ["cert", "canary", "sslcert: expected the client's certificate in PEM in the file CERT"],
  ["key", "canary", "sslkey: expected a private key in PEM without a passphrase in the file KEY"],
  ["key", "other", "sslkey: expected the key of the certificate in CERT in the file KEY"],
])("a file of %s that has %j instead is refused by its setting and its name", async (name, text, problem) => {
  await using directory = await temporaryDirectory();
  const at = (name: string): string => join(directory.path, name.toUpperCase());
  const good = await makeCertificates();
  const other = (await makeCertificates()).key;
  for (const each of ["ca", "cert", "key"] as const) await file(at(each), good[each], 0o600);
  await file(at(name), text === "other" ? other : text, 0o600);
  const settings = { ...SETTINGS, caFile: at("ca"), certFile: at("cert"), keyFile: at("key") };
  expect(await readConnectionFiles(settings)).toEqual(
    err(problem.replaceAll(/\b(?:CA|CERT|KEY)$|\bCERT(?= in)/g, (match) => at(match))),
  );
});

test("a missing file is refused by name, but not a password file that nothing names", async () => {
  const path = "/nonexistent/file";
  expect(await readConnectionFiles({ ...SETTINGS, passwordFile: { path, isOptional: true } })).toEqual(
    ok(SETTINGS),
  );
  expect(await readConnectionFiles({ ...SETTINGS, passwordFile: { path, isOptional: false } })).toEqual(
    err(`passfile: the file ${path} cannot be read (ENOENT)`),
  );
  expect(await readConnectionFiles({ ...SETTINGS, caFile: path })).toEqual(
    err(`sslrootcert: the file ${path} cannot be read (ENOENT)`),
  );
});

import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { err, ok } from "capability-protocol";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../../../testkit/src/temporary-directory.ts";
import { readConnectionFiles } from "./connection-files.ts";

const SETTINGS = {
  host: "db.test",
  port: 5432,
  database: "m",
  user: "u",
  sslMode: "verify-full",
  connectTimeoutMs: 5_000,
} as const;

async function file(path: string, text: string, mode: number): Promise<string> {
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

test("the contents of all files are read, and the password of the entry that fits", async () => {
  await using directory = await temporaryDirectory();
  const at = (name: string): string => join(directory.path, name);
  const settings = {
    ...SETTINGS,
    passwordFile: { path: await file(at("pgpass"), "*:*:*:*:secret", 0o600), isOptional: false },
    caFile: await file(at("ca"), "the CA", 0o644),
    certFile: await file(at("cert"), "the certificate", 0o644),
    keyFile: await file(at("key"), "the key", 0o600),
  };
  expect(await readConnectionFiles(settings)).toEqual(
    ok({ ...SETTINGS, password: "secret", ca: "the CA", cert: "the certificate", key: "the key" }),
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

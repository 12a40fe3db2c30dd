import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { err } from "capability-protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import { toSubjectAltName } from "./subject-alt-name.ts";
import type { ProvidedCertificate, CertificateFiles } from "./certificate-source.ts";
import { createCertificateSource } from "./certificate-source.ts";
import { loadServerCertificate } from "./server-certificate.ts";
import { issueServerCertificate, issueAuthorityCertificate, generateAuthorityKey } from "./x509.ts";

const DAY = 86_400_000;
const NOW = new Date();

let directory: string;
let files: CertificateFiles;
let presented: ProvidedCertificate[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "membrane-given-"));
  files = { certFile: join(directory, "tls.crt"), keyFile: join(directory, "tls.key") };
  presented = [];
});
afterEach(() => rm(directory, { recursive: true }));

/** A pair that is valid for 90 days from an hour before this time. */
async function pairFrom(time: Date) {
  const key = await generateAuthorityKey();
  const cert = await issueAuthorityCertificate(key, time);
  return issueServerCertificate({ cert, key }, [toSubjectAltName("a.test")], time);
}

async function write({ cert, key }: { readonly cert: string; readonly key: string }): Promise<void> {
  await writeFile(files.certFile, cert);
  await writeFile(files.keyFile, key);
}

async function open(time = NOW) {
  await write(await pairFrom(time));
  return createCertificateSource(files, await loadServerCertificate(files), (pair) => presented.push(pair));
}

test("a changed pair is passed to the server, and an unchanged one is not", async () => {
  const source = await open();
  expect(await source.read(NOW)).toMatchObject({ value: { kind: "unchanged" } });
  const renewed = await pairFrom(NOW);
  await write(renewed);
  expect(await source.read(NOW)).toMatchObject({ value: { kind: "changed" } });
  expect(await source.read(NOW)).toMatchObject({ value: { kind: "unchanged" } });
  expect(presented).toMatchObject([renewed]);
});

test("a pair that does not match, has expired or is not valid yet is rejected, and its file is named", async () => {
  const source = await open();
  const [expired, early, fine] = [
    await pairFrom(new Date(NOW.getTime() - 91 * DAY)),
    await pairFrom(new Date(NOW.getTime() + DAY)),
    await pairFrom(NOW),
  ];
  const CASES = [
    [expired, files.certFile, "has expired"],
    [early, files.certFile, "is not valid yet"],
    [{ cert: fine.cert, key: early.key }, files.keyFile, "is not the key of the first certificate"],
    [{ cert: "junk", key: fine.key }, files.certFile, "is not a certificate in PEM form"],
    [{ cert: fine.cert, key: "" }, files.keyFile, "is not a private key in PEM form"],
  ] as const;
  for (const [pair, file, problem] of CASES) {
    await write(pair);
    expect(await source.read(NOW)).toEqual(err({ file, problem: expect.stringContaining(problem) }));
  }
  await rm(files.certFile);
  expect(await source.read(NOW)).toEqual(err({ file: files.certFile, problem: "does not exist" }));
  expect(presented).toEqual([]);
  await write(fine);
  expect(await source.read(NOW)).toMatchObject({ value: { kind: "changed" } });
});

test("an expired certificate replaces another expired one", async () => {
  const source = await open(new Date(NOW.getTime() - 200 * DAY));
  await write(await pairFrom(new Date(NOW.getTime() - 100 * DAY)));
  expect(await source.read(NOW)).toMatchObject({ value: { kind: "changed" } });
});

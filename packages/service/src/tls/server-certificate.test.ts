import { createPrivateKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { createServer, get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkServerIdentity } from "capability-sdk/pem";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { mountSmallDisk } from "../../../testkit/src/small-disk.ts";
import { issueAuthorityCertificate, generateAuthorityKey } from "./x509.ts";
import { ensureServerCertificate, loadServerCertificate } from "./server-certificate.ts";

const day = 24 * 3_600_000;
const now = new Date();
const authorities = ["gateway.example:8443", "localhost", "127.0.0.1:8443", "[::1]:8443"];

let parent: string;
let directory: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "membrane-tls-"));
  directory = join(parent, "data", "tls");
});

afterEach(() => rm(parent, { recursive: true }));

test("a leaf that is due on a full disk is renewed in memory, which is reported, and saved once there is space", async () => {
  await using disk = await mountSmallDisk(2);
  const options = { directory: join(disk.path, "tls"), authorities };
  const made = await ensureServerCertificate({ ...options, now });
  disk.fill();
  const later = new Date(now.getTime() + 70 * day);
  const unsaved = await ensureServerCertificate({ ...options, now: later });
  expect(unsaved).toMatchObject({ renewed: true, saveError: { code: "ENOSPC" }, ca: made.ca });
  expect(unsaved.expires.getTime()).toBeGreaterThan(made.expires.getTime());
  expect(new X509Certificate(unsaved.cert).checkPrivateKey(createPrivateKey(unsaved.key))).toBe(true);
  await disk.empty();
  const saved = await ensureServerCertificate({ ...options, now: later });
  expect(saved).toMatchObject({ renewed: true });
  expect(saved.saveError).toBeUndefined();
  expect(await ensureServerCertificate({ ...options, now: later })).toMatchObject({ renewed: false });
});

describe("at the first start", () => {
  test("a CA and a leaf are made, keys are readable by their owner alone, and no temporary file is left", async () => {
    expect((await ensure()).renewed).toBe(true);
    expect(await modes()).toEqual({
      "ca.key": 0o600,
      "ca.pem": 0o644,
      "leaf.key": 0o600,
      "leaf.pem": 0o644,
    });
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
  });

  test("a client that trusts the CA accepts the server under every certified name and under no other", async () => {
    const made = await ensure();
    const server = createServer({ cert: made.cert, key: made.key }, (_request, response) =>
      response.end("hello"),
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    for (const name of ["gateway.example", "localhost", "127.0.0.1", "::1"])
      expect(await fetched(name, port, made.ca)).toBe(200);
    for (const name of ["other.example", "x.localhost", "127.0.0.2"])
      expect(await fetched(name, port, made.ca)).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
    expect(await fetched("localhost", port, undefined)).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    server.close();
  });

  test("many processes that start at once end with the same CA, and each has a leaf and key that match", async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => ensure()));
    expect(new Set(made.map(({ ca }) => ca)).size).toBe(1);
    const ca = new X509Certificate(made[0]!.ca);
    for (const { cert, key } of made) {
      expect(new X509Certificate(cert).verify(ca.publicKey)).toBe(true);
      expect(new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))).toBe(true);
    }
    expect(await readdir(directory)).toEqual(["ca.key", "ca.pem", "leaf.key", "leaf.pem"]);
    expect((await ensure()).ca).toBe(made[0]!.ca);
  });
});

describe("at a later start", () => {
  test("everything is kept while it is valid", async () => {
    const made = await ensure();
    const same = { ...made, renewed: false, replacedCA: false };
    expect(await ensure()).toEqual(same);
    expect(await ensure(new Date(now.getTime() + 59 * day))).toEqual(same);
    expect(await ensure(now, ["localhost:9443"])).toEqual(same);
  });

  test("the leaf is renewed, under the same CA, when it has less than 30 days left", async () => {
    const made = await ensure();
    const later = new Date(now.getTime() + 61 * day);
    const renewed = await ensure(later);
    expect(renewed.renewed).toBe(true);
    expect(renewed.ca).toBe(made.ca);
    expect(renewed.expires.getTime()).toBeGreaterThan(later.getTime() + 89 * day);
    expect((await ensure(later)).cert).toBe(renewed.cert);
  });

  test.each([
    ["new.example", true, "DNS:new.example"],
    ["127.0.0.2:8443", true, "IP Address:127.0.0.2"],
    ["[::2]", true, ":0:2"],
    ["sub.gateway.example", false, "DNS:sub.gateway.example"],
  ])(
    "the leaf is renewed when it does not name %s, with another CA: %s",
    async (authority, isOther, shown) => {
      const made = await ensure();
      const names = [...authorities, authority];
      const renewed = await ensure(now, names, { mayReplaceCA: true });
      expect(renewed).toMatchObject({ renewed: true, replacedCA: isOther });
      expect(renewed.ca === made.ca).toBe(!isOther);
      const leaf = new X509Certificate(renewed.cert);
      expect(leaf.verify(new X509Certificate(renewed.ca).publicKey)).toBe(true);
      expect(leaf.subjectAltName).toContain(shown);
      expect(await ensure(now, names)).toMatchObject({ renewed: false, replacedCA: false, ca: renewed.ca });
    },
  );

  test.each(["leaf.key", "leaf.pem"])(
    "the leaf is renewed when %s is missing, truncated or of another pair",
    async (file) => {
      const path = join(directory, file);
      await ensure();
      const old = await readFile(path, "utf8");
      await rm(path);
      expect((await ensure()).renewed).toBe(true);
      await writeFile(path, old);
      expect((await ensure()).renewed).toBe(true);
      await writeFile(path, old.slice(0, 60));
      expect((await ensure()).renewed).toBe(true);
      expect((await ensure()).renewed).toBe(false);
    },
  );

  test("the leaf is renewed when another CA has replaced its issuer", async () => {
    const made = await ensure();
    await moveAway("ca.pem");
    await moveAway("ca.key");
    const renewed = await ensure();
    expect(renewed.renewed).toBe(true);
    expect(renewed.ca).not.toBe(made.ca);
    expect(new X509Certificate(renewed.cert).verify(new X509Certificate(renewed.ca).publicKey)).toBe(true);
  });

  test("the leaf is renewed when it is not valid yet, for example because the clock was ahead", async () => {
    await ensure(new Date(now.getTime() + 10 * day));
    expect((await ensure()).renewed).toBe(true);
  });
});

describe("an existing CA", () => {
  test("is never replaced: a problem stops the start with a message that names the file and says what to do", async () => {
    await ensure();
    const good = await readFile(join(directory, "ca.pem"), "utf8");
    const leaf = await readFile(join(directory, "leaf.pem"), "utf8");
    const leafKey = await readFile(join(directory, "leaf.key"), "utf8");
    await refuses({ "ca.pem": "" }, "ca.pem", "not a certificate");
    await refuses({ "ca.pem": good.slice(0, 100) }, "ca.pem", "not a certificate");
    await refuses({ "ca.key": "" }, "ca.key", "not an ECDSA P-256 private key");
    await refuses({ "ca.key": leafKey }, "ca.key", "not the key of");
    await refuses(
      { "ca.pem": leaf, "ca.key": leafKey },
      "ca.pem",
      "not the certificate of a certificate authority",
    );
    await refuses({ "ca.key": undefined }, "ca.key", "missing");
  });

  test("that has expired stops the start", async () => {
    await ensure();
    await expect(ensure(new Date(now.getTime() + 3_651 * day))).rejects.toThrow(
      /ca\.pem: has expired; restore/,
    );
  });

  test("issues no leaf that outlives it", async () => {
    const { ca } = await ensure();
    const { expires } = await ensure(new Date(now.getTime() + 3_600 * day));
    expect(expires).toEqual(new Date(new X509Certificate(ca).validTo));
  });

  test("that lost its certificate in a crash gets one for the same key and name, which verifies the old leaf", async () => {
    const made = await ensure();
    await rm(join(directory, "ca.pem"));
    const again = await ensure();
    expect(again.ca).not.toBe(made.ca);
    expect(again.renewed).toBe(false);
    expect(new X509Certificate(again.ca).subject).toBe(new X509Certificate(made.ca).subject);
  });
});

describe("a CA that is constrained to other names", () => {
  const others = ["new.example"];

  test("is not replaced by a running service, whose error says that a start makes another one", async () => {
    const made = await ensure();
    await expect(ensure(now, others)).rejects.toThrow(/ca\.pem: is constrained to other names; a start/);
    expect(await ensure()).toMatchObject({ ca: made.ca, renewed: false });
  });

  test("is archived when it is replaced, and restored when its names return", async () => {
    const made = await ensure();
    const replaced = await ensure(now, others, { mayReplaceCA: true });
    expect(replaced.ca).not.toBe(made.ca);
    expect(await readdir(directory)).toEqual([
      expect.stringMatching(/^ca-[0-9a-f]{16}\.key$/),
      expect.stringMatching(/^ca-[0-9a-f]{16}\.pem$/),
      "ca.key",
      "ca.pem",
      "leaf.key",
      "leaf.pem",
    ]);
    expect(
      Object.entries(await modes()).filter(([name, mode]) => name.endsWith(".key") && mode !== 0o600),
    ).toEqual([]);
    const back = await ensure(now, authorities, { mayReplaceCA: true });
    expect(back).toMatchObject({ ca: made.ca, replacedCA: true });
    expect((await ensure(now, others, { mayReplaceCA: true })).ca).toBe(replaced.ca);
  });

  test("is replaced once when many processes start with the same names; the others fail and say to start again", async () => {
    await ensure();
    const all = await Promise.allSettled(
      Array.from({ length: 6 }, () => ensure(now, others, { mayReplaceCA: true })),
    );
    const cas = all.flatMap((one) => (one.status === "fulfilled" ? [one.value.ca] : []));
    expect(new Set(cas).size).toBe(1);
    for (const one of all)
      if (one.status === "rejected") expect(String(one.reason)).toMatch(/replacing\.lock: another process/);
    expect(await ensure(now, others, { mayReplaceCA: true })).toMatchObject({ ca: cas[0] });
    expect(await readdir(directory)).not.toContain("replacing.lock");
  });

  test("gets no second certificate for its key after a process was killed while it replaced the CA", async () => {
    const made = await ensure();
    await ensure(now, others, { mayReplaceCA: true });
    const kept = (await readdir(directory)).find((name) => /^ca-.*key$/.test(name))!;
    await writeFile(join(directory, "ca.key"), await readFile(join(directory, kept)));
    await rm(join(directory, "ca.pem"));
    const { ca } = await ensure(now, others);
    expect(new X509Certificate(ca).subject).not.toBe(new X509Certificate(made.ca).subject);
  });

  test("is still used, for new names too, if an older version made it without constraints", async () => {
    const key = await generateAuthorityKey();
    const ca = await issueAuthorityCertificate(key, now);
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, "ca.key"), key);
    await writeFile(join(directory, "ca.pem"), ca);
    for (const names of [authorities, others])
      expect(await ensure(now, names)).toMatchObject({ ca, renewed: true, replacedCA: false });
  });
});

describe("loadServerCertificate", () => {
  test("reads a pair that matches", async () => {
    const { cert, key, expires } = await ensure();
    const files = { certFile: join(directory, "leaf.pem"), keyFile: join(directory, "leaf.key") };
    expect(await loadServerCertificate(files)).toEqual({ cert, key, expires });
  });

  test("keeps the intermediates after the leaf", async () => {
    const { ca, cert } = await ensure();
    const certFile = join(parent, "chain.pem");
    await writeFile(certFile, cert + ca);
    expect((await loadServerCertificate({ certFile, keyFile: join(directory, "leaf.key") })).cert).toBe(
      cert + ca,
    );
  });

  test("names the file that is missing, does not parse or does not match", async () => {
    await ensure();
    const at = (name: string): string => join(directory, name);
    const load = (cert: string, key: string): Promise<unknown> =>
      loadServerCertificate({ certFile: at(cert), keyFile: at(key) });
    await writeFile(at("junk"), "-----BEGIN CERTIFICATE-----\njunk\n-----END CERTIFICATE-----\n");
    await writeFile(
      at("half"),
      (await readFile(at("leaf.pem"), "utf8")) + "-----BEGIN CERTIFICATE-----\nMII",
    );
    await expect(load("none.pem", "leaf.key")).rejects.toMatchObject({
      file: at("none.pem"),
      message: expect.stringContaining("does not exist"),
    });
    await expect(load(".", "leaf.key")).rejects.toMatchObject({
      file: at("."),
      message: expect.stringContaining("cannot be read"),
    });
    await expect(load("junk", "leaf.key")).rejects.toMatchObject({
      file: at("junk"),
      message: expect.stringContaining("not a certificate"),
    });
    await expect(load("half", "leaf.key")).rejects.toMatchObject({ file: at("half") });
    await expect(load("leaf.pem", "leaf.pem")).rejects.toMatchObject({
      file: at("leaf.pem"),
      message: expect.stringContaining("not a private key"),
    });
    await expect(load("leaf.pem", "ca.key")).rejects.toMatchObject({
      file: at("ca.key"),
      message: expect.stringContaining("not the key of"),
    });
  });
});

function ensure(
  at: Date = now,
  names: readonly string[] = authorities,
  options: { readonly mayReplaceCA?: boolean } = {},
): ReturnType<typeof ensureServerCertificate> {
  return ensureServerCertificate({ directory, authorities: names, now: at, ...options });
}

async function modes(): Promise<Record<string, number>> {
  const names = await readdir(directory);
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, (await stat(join(directory, name))).mode & 0o777])),
  );
}

async function moveAway(name: string): Promise<void> {
  await rename(join(directory, name), join(parent, name));
}

/** Writes the given texts into the CA's files, expects that they are refused and unchanged, and restores the files. */
async function refuses(
  texts: Readonly<Record<string, string | undefined>>,
  file: string,
  problem: string,
): Promise<void> {
  const kept = new Map<string, string>();
  for (const [name, text] of Object.entries(texts)) {
    kept.set(name, await readFile(join(directory, name), "utf8"));
    if (text === undefined) await rm(join(directory, name));
    else await writeFile(join(directory, name), text);
  }
  await expect(ensure()).rejects.toMatchObject({
    code: "CERTIFICATE_FILE",
    file: join(directory, file),
    message: expect.stringContaining(problem),
  });
  await expect(ensure()).rejects.toThrow(/restore the file from a backup, or move/);
  for (const [name, text] of Object.entries(texts)) {
    if (text === undefined) await expect(stat(join(directory, name))).rejects.toThrow("ENOENT");
    else expect(await readFile(join(directory, name), "utf8")).toBe(text);
  }
  for (const [name, text] of kept) await writeFile(join(directory, name), text);
}

/** Requests the server under the given name, and returns the status or the error's code. */
function fetched(name: string, port: number, ca: string | undefined): Promise<unknown> {
  return new Promise((resolve) => {
    const trust = ca === undefined ? {} : { ca };
    const options = { host: "127.0.0.1", port, agent: false as const, ...trust };
    get({ ...options, checkServerIdentity: (_host, cert) => checkServerIdentity(name, cert) }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on("error", (error: NodeJS.ErrnoException) => resolve(error.code));
  });
}

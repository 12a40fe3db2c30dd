import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, get } from "node:https";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { run } from "../../../testkit/src/run.ts";
import { toSubjectAltName } from "../../src/tls/subject-alt-name.ts";
import { ensureServerCertificate } from "../../src/tls/server-certificate.ts";
import { issueServerCertificate, issueAuthorityCertificate } from "../../src/tls/x509.ts";

/* An attacker with `tls/` issues certificates for other names. Clients trust the CA for every connection. */

/** The names of a service, the names for which an attacker issues certificates, and those under which none may be accepted. */
const WORLDS = [
  {
    authorities: ["gateway.test:8443"],
    foreign: ["bank.test", "xgateway.test", "test", "127.0.0.1", "[::1]"],
  },
  {
    authorities: ["127.0.0.1:8443", "[::1]"],
    foreign: ["bank.test", "localhost", "127.0.0.0", "127.0.0.2", "[::]", "[::2]"],
  },
  { authorities: ["gateway.test", "127.0.0.1"], foreign: ["bank.test", "127.0.0.2", "[::1]"] },
] as const;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let round = 0;
beforeAll(async () => void (directory = await temporaryDirectory()));
afterAll(() => directory[Symbol.asyncDispose]());

/** Makes a private CA like a start, and certificates that an attacker issues with it. */
async function steal(authorities: readonly string[]) {
  round += 1;
  const tls = join(directory.path, String(round));
  const { cert, key, ca } = await ensureServerCertificate({ directory: tls, authorities, now: new Date() });
  const caKey = await readFile(join(tls, "ca.key"), "utf8");
  return {
    own: { cert, key },
    ca,
    caFile: join(tls, "ca.pem"),
    issue: async (...names: readonly string[]) =>
      issueServerCertificate({ cert: ca, key: caKey }, names.map(toSubjectAltName), new Date()),
    /** The same key and name without constraints, to be sent as an intermediate. */
    unconstrained: await issueAuthorityCertificate(caKey, new Date()),
  };
}

interface Served {
  readonly cert: string;
  readonly key: string;
}

/** Returns for each client "ok", or its error, when a server presents the certificate under the name. */
async function shown({ cert, key }: Served, name: string, ca: string, caFile: string) {
  const server = createServer({ cert, key }, (_request, response) => response.end("ok"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const { value, type } = toSubjectAltName(name);
  const node = await new Promise<string>((resolve) => {
    const options = {
      host: "127.0.0.1",
      port,
      ca,
      agent: false as const,
      checkServerIdentity: () => undefined,
    };
    get({ ...options, ...(type === "dns" ? { servername: value } : {}) }, (response) => {
      response.resume();
      resolve("ok");
    }).on("error", (error) => resolve(error.message));
  });
  const host = value.includes(":") ? `[${value}]` : value;
  const curl = await run(
    "curl",
    ["-sS", "--cacert", caFile, "--connect-to", `${host}:443:127.0.0.1:${port}`, `https://${host}/`],
    { env: { PATH: process.env["PATH"] } },
  );
  server.close();
  const file = join(directory.path, "leaf.pem");
  await writeFile(file, cert);
  const openssl = await run(
    "openssl",
    ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", caFile, file],
    { env: { PATH: process.env["PATH"] } },
  );
  return {
    node,
    curl: curl.code === 0 ? curl.stdout : curl.stderr,
    openssl: openssl.code === 0 ? "ok" : openssl.stderr,
  };
}

test.each(WORLDS)(
  "Node.js, curl and openssl accept the CA of $authorities for these names, and none does for $foreign",
  async ({ authorities, foreign }) => {
    const { own, ca, caFile, issue, unconstrained } = await steal(authorities);
    for (const name of authorities) {
      expect(await shown(own, name, ca, caFile)).toEqual({ node: "ok", curl: "ok", openssl: "ok" });
    }
    for (const name of foreign) {
      const refused = {
        node: expect.stringMatching(/(?:permitted|excluded) subtree violation/),
        curl: expect.stringMatching(/(?:permitted|excluded) subtree violation/),
        openssl: expect.stringMatching(/(?:permitted|excluded) subtree violation/),
      };
      expect(await shown(await issue(name), name, ca, caFile)).toEqual(refused);
      // A certificate with an allowed name too, and with an issuer of the same key without constraints.
      const mixed = await issue(...authorities, name);
      expect(await shown(mixed, name, ca, caFile)).toEqual(refused);
      const chained = { ...mixed, cert: mixed.cert + unconstrained };
      expect(await shown(chained, name, ca, caFile)).toEqual(refused);
    }
  },
  120_000,
);

test("the CA is valid for servers only: no client certificate that an attacker issues with it is accepted", async () => {
  const { own, caFile } = await steal(["gateway.test"]);
  const at = (name: string): string => join(directory.path, name);
  const openssl = (...args: string[]) => run("openssl", args, { env: { PATH: process.env["PATH"] } });
  const [key, request, leaf, extensions] = [at("c.key"), at("c.csr"), at("c.pem"), at("c.ext")];
  const subject = ["-subj", "/CN=client", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  await openssl("req", "-new", ...subject, "-keyout", key, "-out", request);
  const signed = ["-req", "-in", request, "-CA", caFile, "-CAkey", join(dirname(caFile), "ca.key")];
  for (const [usage, code] of [
    ["serverAuth", 0],
    ["clientAuth", 2],
    ["clientAuth,serverAuth", 2],
  ] as const) {
    await writeFile(extensions, `subjectAltName=DNS:gateway.test\nextendedKeyUsage=${usage}\n`);
    expect((await openssl("x509", ...signed, "-extfile", extensions, "-out", leaf)).code).toBe(0);
    const purpose = usage.startsWith("client") ? "sslclient" : "sslserver";
    const verified = await openssl("verify", "-purpose", purpose, "-CAfile", caFile, leaf);
    expect([usage, verified.code]).toEqual([usage, code]);
    if (code !== 0) expect(verified.stderr).toContain("purpose");
  }
  // The service's certificate is for servers only, so it cannot be used as a client of another service.
  expect(new X509Certificate(own.cert).keyUsage).toEqual([SERVER_AUTH]);
});

/** id-kp-serverAuth (RFC 5280, 4.2.1.12). */
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";

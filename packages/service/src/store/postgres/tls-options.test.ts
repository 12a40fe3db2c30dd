import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { generateAuthorityKey, issueAuthorityCertificate, issueServerCertificate } from "../../tls/x509.ts";
import { tlsOptions } from "./tls-options.ts";

const [host, ca] = ["db.test", "the CA"];

test.each([
  ["disable", undefined, undefined],
  ["require", undefined, false],
  // As in libpq: a CA that is given is asked.
  ["require", ca, true],
  ["verify-ca", ca, true],
  ["verify-full", undefined, true],
] as const)("%s with the CA %s verifies the certificate: %s", (sslMode, ca, rejectUnauthorized) => {
  const options = tlsOptions({ host, sslMode, ...(ca === undefined ? {} : { ca }) });
  expect(options?.rejectUnauthorized).toBe(rejectUnauthorized);
  expect(options?.ca).toBe(ca);
});

test("only verify-full wants the certificate to be for the host, a name or an address", async () => {
  const now = new Date();
  const key = await generateAuthorityKey();
  const issuer = { cert: await issueAuthorityCertificate(key, now), key };
  const names = [
    { type: "dns", value: "db.test" },
    { type: "ip", value: "192.0.2.7" },
  ] as const;
  const { cert } = await issueServerCertificate(issuer, names, now);
  const certificate = new X509Certificate(cert).toLegacyObject();
  const problem = (sslMode: "verify-ca" | "verify-full", host: string) =>
    tlsOptions({ host, sslMode, ca })?.checkServerIdentity?.("", certificate);
  for (const good of ["db.test", "192.0.2.7"]) expect(problem("verify-full", good)).toBeUndefined();
  for (const wrong of ["other.test", "192.0.2.8", "localhost"]) {
    expect(problem("verify-full", wrong)).toBeInstanceOf(Error);
    expect(problem("verify-ca", wrong)).toBeUndefined();
  }
});

test("an address is not sent as a name, and a client certificate only if there is one", () => {
  expect(tlsOptions({ host, sslMode: "require" })).toMatchObject({ servername: "db.test" });
  expect(tlsOptions({ host: "192.0.2.7", sslMode: "require" })).toMatchObject({ servername: "" });
  expect(tlsOptions({ host, sslMode: "require", cert: "C", key: "K" })).toMatchObject({
    cert: "C",
    key: "K",
  });
  expect(tlsOptions({ host, sslMode: "require" })).not.toHaveProperty("cert");
});

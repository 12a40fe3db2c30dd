import { createPrivateKey, X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { issueServerCertificate, issueAuthorityCertificate, generateAuthorityKey } from "./x509.ts";
import type { SubjectAltName } from "./subject-alt-name.ts";

const now = new Date("2030-02-03T04:05:06.789Z");
const day = 24 * 3_600_000;

describe("the CA", () => {
  test("is a self-signed ECDSA P-256 certificate authority, valid for ten years", async () => {
    const { certificate, key } = await authority();
    expect(createPrivateKey(key).asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" });
    expect(certificate.ca).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(new Date(certificate.validFrom)).toEqual(new Date("2030-02-03T03:05:06Z"));
    expect(days(certificate)).toBe(3_650);
    // RFC 5280, 4.2.1.9 and 4.2.1.3: critical, CA with a path length of 0; critical, keyCertSign and cRLSign.
    expect(certificate.raw.includes(Buffer.from("0603551d130101ff040830060101ff020100", "hex"))).toBe(true);
    expect(certificate.raw.includes(Buffer.from("0603551d0f0101ff040403020106", "hex"))).toBe(true);
  });

  test("has another key and another name each time", async () => {
    const [one, two] = await Promise.all([authority(), authority()]);
    expect(one.certificate.subject).not.toBe(two.certificate.subject);
    expect(one.key).not.toBe(two.key);
  });
});

describe("the leaf", () => {
  const names: readonly SubjectAltName[] = [
    { type: "dns", value: "gateway.example" },
    { type: "ip", value: "192.0.2.1" },
    { type: "ip", value: "2001:db8::1" },
  ];

  test("is for TLS servers, is valid for 90 days, is issued by the CA, and is not a CA itself", async () => {
    const { certificate: issuer, cert, key } = await authority();
    const issued = await issueServerCertificate({ cert, key }, names, now);
    const leaf = new X509Certificate(issued.cert);
    expect(leaf.checkPrivateKey(createPrivateKey(issued.key))).toBe(true);
    expect(leaf.checkIssued(issuer)).toBe(true);
    expect(leaf.verify(issuer.publicKey)).toBe(true);
    // Basic constraints, critical, empty: not a CA. OpenSSL's own check also considers the key usage.
    expect(leaf.raw.includes(Buffer.from("0603551d130101ff04023000", "hex"))).toBe(true);
    expect(leaf.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
    expect(leaf.raw.includes(Buffer.from("0603551d0f0101ff040403020780", "hex"))).toBe(true);
    expect(new Date(leaf.validFrom)).toEqual(new Date("2030-02-03T03:05:06Z"));
    expect(days(leaf)).toBe(90);
    expect(leaf.subjectAltName).toBe(
      "DNS:gateway.example, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1",
    );
  });

  test("has the key identifier of the CA as its authority key identifier", async () => {
    const { certificate: issuer, ...pair } = await authority();
    const leaf = new X509Certificate((await issueServerCertificate(pair, names, now)).cert);
    const subjectKey = after(issuer.raw, "0603551d0e041604" + "14");
    expect(after(leaf.raw, "0603551d230418301680" + "14")).toEqual(subjectKey);
    expect(after(leaf.raw, "0603551d0e041604" + "14")).not.toEqual(subjectKey);
  });

  test("has a random and positive serial number of 16 octets", async () => {
    const pair = await authority();
    const serials = await Promise.all(
      Array.from(
        { length: 20 },
        async () => new X509Certificate((await issueServerCertificate(pair, names, now)).cert).serialNumber,
      ),
    );
    expect(new Set(serials).size).toBe(20);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });
});

async function authority(): Promise<{
  readonly cert: string;
  readonly key: string;
  readonly certificate: X509Certificate;
}> {
  const key = await generateAuthorityKey();
  const cert = await issueAuthorityCertificate(key, now);
  return { key, cert, certificate: new X509Certificate(cert) };
}

function days(certificate: X509Certificate): number {
  return (Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)) / day;
}

/** Returns the 20 octets of a key identifier, which follow `prefix`. */
function after(der: Buffer, prefix: string): Buffer {
  const start = der.indexOf(Buffer.from(prefix, "hex"));
  expect(start).toBeGreaterThan(0);
  return der.subarray(start + prefix.length / 2, start + prefix.length / 2 + 20);
}

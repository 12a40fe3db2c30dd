import { randomBytes } from "node:crypto";
import { formatToken } from "capability-protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { makeCertificate } from "../../../../testkit/src/tls-target.ts";
import { describeCertificates, listCertificateSubjects, previewCapability } from "./preview.ts";

test("the preview of a capability has its authority and four random characters of its token, in both forms", () => {
  const token = formatToken(randomBytes(64));
  const shown = token.slice(0, 12);
  for (const before of ["cpblty://localhost:8443/#", "cpblty:Vm9n:", "cpblty:Vm9n@k1:", `cpblty:${token}:`]) {
    expect(previewCapability(before + token)).toBe(`${before}${shown}…`);
  }
});

test("nothing is shown of a text that is not a capability", () => {
  const before = "cpblty://localhost:8443/#";
  const uri = before + formatToken(randomBytes(64));
  const directory = fc.integer({ min: before.length, max: uri.length - 1 });
  fc.assert(
    fc.property(directory, fc.constantFrom("", " ", "\n", "\u001b", "+"), (at, put) => {
      const damaged = uri.slice(0, at) + put + uri.slice(at + 1);
      expect(previewCapability(damaged)).toBe("(not a capability URI)");
    }),
  );
});

test("certificates are shown with fingerprint, subject and last day; any other text is not shown", async () => {
  const { ca, key } = await makeCertificate("localhost");
  const one = describeCertificates(ca);
  expect(one).toMatch(/^SHA-256 ([0-9A-F]{2}:){31}[0-9A-F]{2}, CN=[^\n]+, valid to \d{4}-\d\d-\d\d$/);
  expect(describeCertificates(`${ca}${ca}`)).toBe(`${one}; ${one}`);
  expect(one).toContain(listCertificateSubjects(ca));
  for (const text of ["", key, ca.slice(0, -40), `${ca}${ca.slice(0, 100)}`]) {
    expect([describeCertificates(text), listCertificateSubjects(text)]).toEqual(
      Array(2).fill("(not a certificate)"),
    );
  }
});

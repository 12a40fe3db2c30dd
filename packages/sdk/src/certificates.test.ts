import { rootCertificates } from "node:tls";
import { parseAuthority } from "capability-protocol";
import { expect, test } from "vitest";
import { assertCertificates } from "./certificates.ts";

const [first = "", second = ""] = rootCertificates;
const KEY = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
const authority = parseAuthority("example.com:8443")!;
const check = (pem: string) => (): void => assertCertificates(new Map([[authority, pem]]));

test.each([
  ["one", first],
  ["several", `${first}\n${second}\n`],
  ["with text around", `# about\n${first}\n# about\n${second}`],
  ["after a block of another kind", `${KEY}${first}`],
  ["with the line ends of Windows", first.replaceAll("\n", "\r\n")],
])("certificates are accepted: %s", (_what, pem) => {
  expect(check(pem)).not.toThrow();
});

test.each([
  ["nothing", ""],
  ["garbage between BEGIN and END", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
  ["a truncated certificate", first.slice(0, 400)],
  ["a valid certificate before a truncated one", `${first}\n${second.slice(0, 400)}`],
  ["a key", KEY],
])("any other text is refused with the name of its authority: %s", (_what, pem) => {
  expect(check(pem)).toThrow("tls.trustedCA.example.com:8443: expected PEM certificates");
});

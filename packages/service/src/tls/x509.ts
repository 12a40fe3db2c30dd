import "reflect-metadata";
import {
  createPrivateKey,
  KeyObject,
  randomBytes,
  webcrypto,
  X509Certificate as NodeCertificate,
} from "node:crypto";
import * as x509 from "@peculiar/x509";
import type { SubjectAltName } from "./subject-alt-name.ts";
import { constrainTo, decodeNameConstraints, encodeNameConstraints } from "./name-constraints.ts";
import type { NameConstraints } from "./name-constraints.ts";

/** A certificate and its private key, both PEM. */
export interface CertificateAndKey {
  readonly cert: string;
  readonly key: string;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const EC_ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };
const SIGNING_ALGORITHM = { name: "ECDSA", hash: "SHA-256" };

/** Makes the private key of a certificate authority: PEM, ECDSA P-256. */
export async function generateAuthorityKey(): Promise<string> {
  return keyToPem((await generateKeys()).privateKey);
}

/** nameConstraints (RFC 5280, 4.2.1.10). */
const NAME_CONSTRAINTS = "2.5.29.30";

/**
 * Makes the certificate of a CA from its key, for ten years. Its name is derived from the key, so a new certificate for the same
 * key verifies everything that the old one did.
 *
 * It is constrained to TLS servers of the given names: a client that trusts it for every connection, for example by
 * `NODE_EXTRA_CA_CERTS`, must not accept other names from an attacker who has its key.
 *
 * @param names default: all names, as for the CAs that older versions made.
 */
export async function issueAuthorityCertificate(
  key: string,
  now: Date,
  names?: readonly SubjectAltName[],
): Promise<string> {
  const keys = await importKeys(key);
  const subjectKey = await x509.SubjectKeyIdentifierExtension.create(keys.publicKey);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=Membrane private CA ${subjectKey.keyId.slice(0, 8)}`,
    serialNumber: serialNumber(),
    ...validity(now, 3_650),
    keys,
    signingAlgorithm: SIGNING_ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      subjectKey,
      ...(names === undefined
        ? []
        : [
            new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
            new x509.Extension(NAME_CONSTRAINTS, true, encodeNameConstraints(constrainTo(names))),
          ]),
    ],
  });
  return certificateToPem(certificate);
}

/** Reads the name constraints of a CA's certificate (PEM); nothing if it has none. */
export function readNameConstraints(cert: string): NameConstraints | undefined {
  const value = new x509.X509Certificate(cert).getExtension(NAME_CONSTRAINTS)?.value;
  return value === undefined ? undefined : decodeNameConstraints(new Uint8Array(value));
}

/**
 * Issues a certificate for a TLS server with these names, and a new key. It is valid for 90 days, or until the CA expires.
 */
export async function issueServerCertificate(
  authority: CertificateAndKey,
  names: readonly SubjectAltName[],
  now: Date,
): Promise<CertificateAndKey> {
  const issuer = new x509.X509Certificate(authority.cert);
  const [keys, issuerKeys] = await Promise.all([generateKeys(), importKeys(authority.key)]);
  const { notBefore, notAfter } = validity(now, 90);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: "CN=Membrane Service",
    issuer: issuer.subject,
    serialNumber: serialNumber(),
    notBefore,
    notAfter: notAfter < issuer.notAfter ? notAfter : issuer.notAfter,
    publicKey: keys.publicKey,
    signingKey: issuerKeys.privateKey,
    signingAlgorithm: SIGNING_ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map(({ type, value }) => ({ type, value }))),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuerKeys.publicKey),
    ],
  });
  return { cert: certificateToPem(certificate), key: keyToPem(keys.privateKey) };
}

/** Begins an hour ago, for clients whose clock is slow. X.509 has whole seconds only. */
function validity(now: Date, days: number): { notBefore: Date; notAfter: Date } {
  const start = Math.floor((now.getTime() - HOUR_MS) / 1_000) * 1_000;
  return { notBefore: new Date(start), notAfter: new Date(start + days * DAY_MS) };
}

/** Makes a serial number of 126 random bits, positive and without a leading zero octet (RFC 5280, 4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0);
  return bytes.toString("hex");
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(EC_ALGORITHM, true, ["sign", "verify"]);
}

async function importKeys(pem: string): Promise<webcrypto.CryptoKeyPair> {
  const privateKey = createPrivateKey(pem);
  const publicJwk = { ...privateKey.export({ format: "jwk" }) };
  delete publicJwk.d;
  return {
    privateKey: await webcrypto.subtle.importKey(
      "pkcs8",
      privateKey.export({ format: "der", type: "pkcs8" }),
      EC_ALGORITHM,
      true,
      ["sign"],
    ),
    publicKey: await webcrypto.subtle.importKey("jwk", publicJwk, EC_ALGORITHM, true, ["verify"]),
  };
}

function keyToPem(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ format: "pem", type: "pkcs8" }).toString();
}

/** Formats a certificate with OpenSSL, so that it is certain that OpenSSL can parse it. */
function certificateToPem(certificate: x509.X509Certificate): string {
  return new NodeCertificate(Buffer.from(certificate.rawData)).toString();
}

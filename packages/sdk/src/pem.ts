import { X509Certificate } from "node:crypto";
import { isIPv6 } from "node:net";
import type { PeerCertificate } from "node:tls";
import { checkServerIdentity as checkAsNode } from "node:tls";

const BEGIN = "-----BEGIN CERTIFICATE-----";
const END = "-----END CERTIFICATE-----";

/** Also matches other kinds, such as OpenSSL's TRUSTED CERTIFICATE, which are not parsed here. */
const CERTIFICATE_BEGIN_LINES = /-----BEGIN (?:\w{1,32} ){0,4}CERTIFICATE-----/g;

/**
 * Parses the certificates of a PEM text (RFC 7468), in order. Text between them and blocks of other kinds are ignored.
 *
 * @returns nothing if there is none, or one that does not parse.
 *
 * @example
 * parseCertificates(CA)?.length; // => 1
 * parseCertificates("no certificate"); // => undefined
 */
export function parseCertificates(pem: string): readonly X509Certificate[] | undefined {
  const blocks = certificateBlocks(pem);
  if (blocks.length === 0 || blocks.length !== pem.match(CERTIFICATE_BEGIN_LINES)?.length) return undefined;
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    // The constructor throws for malformed input.
    return undefined;
  }
}

/**
 * Node's check that a certificate is valid for `host` (RFC 6125, RFC 9110 section 4.3.4), which also works for IPv6 addresses: Node
 * 22.23 treats those as names and refuses every certificate for them.
 *
 * @returns nothing if it is; else Node's error, with the code `ERR_TLS_CERT_ALTNAME_INVALID`.
 *
 * @example
 * import { connect } from "node:tls";
 * const [, port] = AUTHORITY.split(":");
 * const socket = connect({ host: "localhost", port: Number(port), ca: CA, servername: "localhost" });
 * await new Promise((resolve) => socket.once("secureConnect", resolve));
 * const certificate = socket.getPeerCertificate();
 * socket.destroy();
 * checkServerIdentity("localhost", certificate); // => undefined
 */
export function checkServerIdentity(host: string, certificate: PeerCertificate): Error | undefined {
  const error = checkAsNode(host, certificate);
  if (error === undefined || !isIPv6(host)) return error;
  return new X509Certificate(certificate.raw).checkIP(host) === undefined ? error : undefined;
}

function certificateBlocks(pem: string): readonly string[] {
  const [, ...pieces] = pem.split(BEGIN);
  return pieces.flatMap((piece) => {
    const end = piece.indexOf("-");
    return end !== -1 && piece.startsWith(END, end) ? [`${BEGIN}${piece.slice(0, end)}${END}`] : [];
  });
}

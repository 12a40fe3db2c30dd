import { DEFAULT_CIPHERS, createSecureContext } from "node:tls";

/** OpenSSL's default groups without the finite fields: those of 3.5, in its syntax for key shares, and those of 3.0. */
const GROUPS = [
  "?*X25519MLKEM768/?*X25519:?secp256r1/?X448:?secp384r1:?secp521r1",
  "X25519:prime256v1:X448:secp521r1:secp384r1",
] as const;

/**
 * The key agreement that TLS may use with clients and targets: elliptic curves only.
 *
 * With a finite field, the other side decides how long it takes. A client without a token that offers a field of 8,192 bits
 * (RFC 7919) blocks the event loop for 120 ms (CVE-2002-20001); a target that sends its own field in TLS 1.2, for more than a
 * second.
 */
export const KEY_AGREEMENT: { readonly ciphers: string; readonly ecdhCurve: string } = {
  ciphers: `${DEFAULT_CIPHERS}:!kDHE`,
  ecdhCurve: GROUPS.find(isKnown) ?? GROUPS[1],
};

function isKnown(groups: string): boolean {
  try {
    createSecureContext({ ecdhCurve: groups });
    return true;
  } catch {
    return false;
  }
}

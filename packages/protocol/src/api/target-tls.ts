import { MAX_PEM_LENGTH } from "../bounds.ts";
import { type TextRule, parseFields, parseOptionalBoolean, parseOptionalText } from "../json/fields.ts";
import { type Parsed, ok, refuse } from "../result.ts";

/**
 * TLS options for a target. The list is closed, since any other option would reach the connector.
 *
 * @example
 * const tls: TlsConfiguration = { rejectUnauthorized: false };
 * tls.ca; // => undefined
 */
export interface TlsConfiguration {
  /** PEM; replaces the default certificate authorities. */
  readonly ca?: string;
  /** PEM of a client certificate; requires `key`. */
  readonly cert?: string;
  /** PEM of the client certificate's private key; requires `cert`. */
  readonly key?: string;
  /** Default true; false skips the check of this target's certificate. */
  readonly rejectUnauthorized?: boolean;
}

/** Checks the form only. A full parse needs a cryptographic library, which a browser does not have; the service does it. */
const PEM: TextRule = {
  accepts: (text) => text.length <= MAX_PEM_LENGTH && /-----BEGIN [A-Z0-9 ]{1,64}-----/.test(text),
  expected: `PEM of at most ${MAX_PEM_LENGTH} characters`,
};

export function parseTls(value: unknown): Parsed<TlsConfiguration | undefined> {
  if (value === undefined) return ok(undefined);
  const fields = parseFields(value, "tls", ["ca", "cert", "key", "rejectUnauthorized"]);
  if (!fields.ok) return fields;
  const ca = parseOptionalText(fields.value.get("ca"), "tls.ca", PEM);
  if (!ca.ok) return ca;
  const cert = parseOptionalText(fields.value.get("cert"), "tls.cert", PEM);
  if (!cert.ok) return cert;
  const key = parseOptionalText(fields.value.get("key"), "tls.key", PEM);
  if (!key.ok) return key;
  const path = "tls.rejectUnauthorized";
  const rejectUnauthorized = parseOptionalBoolean(fields.value.get("rejectUnauthorized"), path);
  if (!rejectUnauthorized.ok) return rejectUnauthorized;
  if (cert.value !== undefined && key.value === undefined)
    return refuse("tls.key", "PEM, since cert is given");
  if (key.value !== undefined && cert.value === undefined)
    return refuse("tls.cert", "PEM, since key is given");
  return ok({
    ...(ca.value !== undefined && { ca: ca.value }),
    ...(cert.value !== undefined && { cert: cert.value }),
    ...(key.value !== undefined && { key: key.value }),
    ...(rejectUnauthorized.value !== undefined && { rejectUnauthorized: rejectUnauthorized.value }),
  });
}

import { isIP } from "node:net";

/** A host in a certificate: a DNS name or a numeric address (RFC 5280, 4.2.1.6). */
export interface SubjectAltName {
  readonly type: "dns" | "ip";
  readonly value: string;
}

/**
 * The host of an authority, `host[:port]`, IPv6 in brackets; ports are not certified.
 *
 * @throws TypeError if it has no host
 */
export function toSubjectAltName(authority: string): SubjectAltName {
  const [, literal, name] = /^(?:\[([^\]]+)\]|([^:[\]/@\s]+))(?::\d+)?$/.exec(authority) ?? [];
  const value = (literal ?? name ?? "").toLowerCase().replace(/\.$/, "");
  const type = isIP(value) === 0 ? "dns" : "ip";
  if (value === "" || (literal !== undefined && type === "dns"))
    throw new TypeError(`Not an authority: ${authority}`);
  return { type, value };
}

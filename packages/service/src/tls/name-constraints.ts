import { parseAddress } from "../net/address.ts";
import type { SubjectAltName } from "./subject-alt-name.ts";

/** The DNS names and addresses for which a CA may issue certificates (RFC 5280, 4.2.1.10). */
export interface NameConstraints {
  readonly permitted: readonly Subtree[];
  readonly excluded: readonly Subtree[];
}

/** A DNS name with its subdomains, or a block of addresses: the address followed by its mask. */
export type Subtree =
  | { readonly type: "dns"; readonly base: string }
  | { readonly type: "ip"; readonly block: Uint8Array };

const SEQUENCE = 0x30;
const PERMITTED = 0xa0;
const EXCLUDED = 0xa1;
/** GeneralName: dNSName is [2], iPAddress is [7] (RFC 5280, 4.2.1.6). */
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;

/** Every DNS name, and every address. */
const ALL_DNS: readonly Subtree[] = [{ type: "dns", base: "" }];
const ALL_ADDRESSES: readonly Subtree[] = [4, 16].map((bytes) => ({
  type: "ip",
  block: new Uint8Array(2 * bytes),
}));

/**
 * Constrains a CA to these names. A form of names without a permitted subtree would not be constrained at all, so a form that is
 * absent is excluded as a whole.
 */
export function constrainTo(names: readonly SubjectAltName[]): NameConstraints {
  const permitted = names.map(toSubtree);
  const excluded = [
    ...(permitted.some(({ type }) => type === "dns") ? [] : ALL_DNS),
    ...(permitted.some(({ type }) => type === "ip") ? [] : ALL_ADDRESSES),
  ];
  return { permitted, excluded };
}

/** Whether a certificate for the name may be issued under the constraints. */
export function permits({ permitted, excluded }: NameConstraints, name: SubjectAltName): boolean {
  const sameType = permitted.filter(({ type }) => type === name.type);
  return (
    (sameType.length === 0 || sameType.some((subtree) => isWithin(name, subtree))) &&
    !excluded.some((subtree) => isWithin(name, subtree))
  );
}

/** Encodes the value of the extension, in DER. */
export function encodeNameConstraints({ permitted, excluded }: NameConstraints): Uint8Array {
  return encode(SEQUENCE, [
    ...(permitted.length === 0 ? [] : [encode(PERMITTED, permitted.map(encodeSubtree))]),
    ...(excluded.length === 0 ? [] : [encode(EXCLUDED, excluded.map(encodeSubtree))]),
  ]);
}

/**
 * Decodes the value of the extension. Other forms of names are left out: no certificate of this service has any.
 *
 * @throws RangeError if it is not DER.
 */
export function decodeNameConstraints(der: Uint8Array): NameConstraints {
  const lists = readElements(der).flatMap(({ content }) => readElements(content));
  const subtreesOf = (tag: number): readonly Subtree[] =>
    lists
      .filter((list) => list.tag === tag)
      .flatMap(({ content }) => readElements(content))
      .flatMap(({ content }) => readElements(content).slice(0, 1))
      .flatMap(({ tag, content }) => decodeSubtree(tag, content));
  return { permitted: subtreesOf(PERMITTED), excluded: subtreesOf(EXCLUDED) };
}

function toSubtree({ type, value }: SubjectAltName): Subtree {
  if (type === "dns") return { type, base: value };
  const address = parseAddress(value);
  if (address === undefined) throw new TypeError(`Not an address: ${value}`);
  const { bytes } = address;
  return { type, block: Uint8Array.from([...bytes, ...bytes.map(() => 0xff)]) };
}

function isWithin({ type, value }: SubjectAltName, subtree: Subtree): boolean {
  if (type === "dns") {
    if (subtree.type !== "dns") return false;
    return subtree.base === "" || value === subtree.base || value.endsWith(`.${subtree.base}`);
  }
  const bytes = parseAddress(value)?.bytes ?? new Uint8Array(0);
  if (subtree.type !== "ip" || subtree.block.length !== 2 * bytes.length) return false;
  const { block } = subtree;
  return bytes.every((byte, index) => {
    const mask = block[bytes.length + index] ?? 0xff;
    return (byte & mask) === ((block[index] ?? 0) & mask);
  });
}

/** GeneralSubtree; minimum is 0 and is left out, maximum is absent (RFC 5280, 4.2.1.10). */
function encodeSubtree(subtree: Subtree): Uint8Array {
  const name =
    subtree.type === "dns"
      ? encode(DNS_NAME, [Buffer.from(subtree.base, "latin1")])
      : encode(IP_ADDRESS, [subtree.block]);
  return encode(SEQUENCE, [name]);
}

function decodeSubtree(tag: number, content: Uint8Array): readonly Subtree[] {
  if (tag === DNS_NAME) return [{ type: "dns", base: Buffer.from(content).toString("latin1").toLowerCase() }];
  return tag === IP_ADDRESS ? [{ type: "ip", block: Uint8Array.from(content) }] : [];
}

function encode(tag: number, parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const { length } = content;
  const long = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  if (length > 0xffff) throw new RangeError("too many names");
  return Buffer.concat([Uint8Array.from([tag, ...(length < 0x80 ? [length] : long)]), content]);
}

interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
}

function readElements(der: Uint8Array): readonly DerElement[] {
  const found: DerElement[] = [];
  let at = 0;
  while (at < der.length) {
    const [tag = 0, first = 0xff, ...rest] = der.subarray(at, at + 4);
    const lengthBytes = first < 0x80 ? 0 : first - 0x80;
    const length =
      lengthBytes === 0 ? first : rest.slice(0, lengthBytes).reduce((all, byte) => all * 256 + byte, 0);
    const start = at + 2 + lengthBytes;
    if (lengthBytes > 2 || start + length > der.length) throw new RangeError("cut short");
    found.push({ tag, content: der.subarray(start, start + length) });
    at = start + length;
  }
  return found;
}

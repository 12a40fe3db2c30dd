import type { Cidr, IpAddress } from "../net/address.ts";
import { containsAddress, parseCidr } from "../net/address.ts";

/** An entry of `--allow-target`: the addresses of a block, at one port or at all. */
export interface AllowRule {
  readonly cidr: Cidr;
  readonly port?: number;
  /** As the operator wrote it, for messages. */
  readonly text: string;
}

const RULE_FORMS: readonly RegExp[] = [
  /^(?<cidr>[\d.]+(?:\/\d+)?)(?::(?<port>\d+))?$/, // 10.0.0.0/8:8080
  /^\[(?<address>[\da-f:.]*)\](?<prefix>\/\d+)?(?::(?<port>\d+))?$/i, // [fd00::]/8:443
  /^(?<cidr>[\da-f:.]*\/\d+)(?::(?<port>\d+))?$/i, // fd00::/8:443
  /^(?<cidr>[\da-f:.]*)$/i, // fd00::1
];

/**
 * Parses an entry of `--allow-target`: `CIDR` or `CIDR:PORT`, with IPv6 in brackets if a port follows. An address without a prefix
 * length is a block of one.
 *
 * @returns nothing for anything else, such as bits after the prefix or port 0.
 */
export function parseAllowTarget(text: string): AllowRule | undefined {
  const groups = RULE_FORMS.map((form) => form.exec(text)?.groups).find((found) => found !== undefined);
  if (groups === undefined) return undefined;
  // Brackets are only for IPv6.
  if (groups["address"]?.includes(":") === false) return undefined;
  const cidr = parseCidr(groups["cidr"] ?? `${groups["address"]}${groups["prefix"] ?? ""}`);
  if (cidr === undefined) return undefined;
  if (groups["port"] === undefined) return { cidr, text };
  const port = parsePort(groups["port"]);
  return port === undefined ? undefined : { cidr, port, text };
}

/** Parses a decimal port, 1 to 65535, without leading zeros. */
export function parsePort(text: string): number | undefined {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}

/** Whether the rule allows the address at the port. */
export function ruleAllows(rule: AllowRule, address: IpAddress, port: number): boolean {
  return containsAddress(rule.cidr, address) && (rule.port === undefined || rule.port === port);
}

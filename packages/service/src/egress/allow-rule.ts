import type { Cidr, IpAddress } from "../net/address.ts";
import { contains, parseCidr } from "../net/address.ts";

/** What an operator opens: the addresses of a block, at every port or at one. */
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
 * Reads an entry of `--allow-target`: `CIDR` or `CIDR:PORT`, with IPv6 in brackets where a port follows; an address without a
 * prefix length allows itself alone. Returns `undefined` for anything else, also for bits set after the prefix and port 0.
 */
export function parseAllowTarget(text: string): AllowRule | undefined {
  const groups = RULE_FORMS.map((form) => form.exec(text)?.groups).find((found) => found !== undefined);
  if (groups === undefined) return undefined;
  // Brackets are for IPv6 alone.
  if (groups["address"]?.includes(":") === false) return undefined;
  const cidr = parseCidr(groups["cidr"] ?? `${groups["address"]}${groups["prefix"] ?? ""}`);
  if (cidr === undefined) return undefined;
  if (groups["port"] === undefined) return { cidr, text };
  const port = parsePort(groups["port"]);
  return port === undefined ? undefined : { cidr, port, text };
}

/** Reads a decimal port, 1 to 65535, without leading zeros. */
export function parsePort(text: string): number | undefined {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}

/** Whether the rule opens the address at the port. */
export function ruleAllows(rule: AllowRule, address: IpAddress, port: number): boolean {
  return contains(rule.cidr, address) && (rule.port === undefined || rule.port === port);
}

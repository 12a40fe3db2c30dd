import type { IpAddress } from "capability-protocol";

export { type Cidr, type IpAddress, containsAddress, parseAddress, parseCidr } from "capability-protocol";

export function sameAddress(a: IpAddress, b: IpAddress): boolean {
  return a.family === b.family && a.bytes.every((byte, i) => byte === b.bytes[i]);
}

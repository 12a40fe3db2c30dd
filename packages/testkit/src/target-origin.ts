import type { TargetOrigin } from "capability-protocol";
import { readTargetUri } from "capability-protocol";

/** Makes the origin of a host, with IPv6 in brackets or not. A host that no URI can name is used unchanged. */
export function targetOrigin(host: string, port: number, scheme: "http" | "https" = "http"): TargetOrigin {
  const written = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  const uri = readTargetUri(`${scheme}://${written}:${port}/`);
  return uri?.origin ?? { ...targetOrigin("unparsed.invalid", port, scheme), hostname: written };
}

import type { Authority } from "capability-protocol";
import { readAuthority } from "./host.ts";

/** The path and query that a request asks for. */
export interface RequestTarget {
  readonly path: string;
  /** Without "?"; empty if there is none. */
  readonly query: string;
}

/** Reads a path, or an absolute URI of this service (RFC 9112 §3.2). */
export function readRequestTarget(
  url: string,
  isOwn: (authority: Authority) => boolean,
): RequestTarget | undefined {
  if (url.includes("#")) return undefined;
  const rest = url.startsWith("/") ? url : withoutOrigin(url, isOwn);
  if (rest === undefined) return undefined;
  const queryStart = rest.indexOf("?");
  const path = queryStart === -1 ? rest : rest.slice(0, queryStart);
  return { path: path === "" ? "/" : path, query: queryStart === -1 ? "" : rest.slice(queryStart + 1) };
}

function withoutOrigin(url: string, isOwn: (authority: Authority) => boolean): string | undefined {
  const [origin, host = ""] = /^https?:\/\/([^/?]*)/i.exec(url) ?? [];
  if (origin === undefined) return undefined;
  const authority = readAuthority(host);
  return authority === undefined || !isOwn(authority) ? undefined : url.slice(origin.length);
}

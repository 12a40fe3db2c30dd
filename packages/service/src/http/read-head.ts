import type { IncomingMessage } from "node:http";
import { parseAuthority } from "capability-protocol";
import type { Authority } from "capability-protocol";
import type { BodyFraming, RequestHead } from "../invocation/request-head.ts";

/** A request head that means one thing only, or what is wrong with it. */
export type ReadHead =
  | {
      readonly ok: true;
      readonly head: RequestHead;
      /** The one `Authorization` line, if there is one. */
      readonly authorization?: string;
      readonly expect?: string;
      readonly upgrade: boolean;
    }
  | { readonly ok: false; readonly message: string };

/**
 * Refuses what two readers could understand differently, or what was never meant for this service; Node's parser lets it
 * through (docs/http-api.md, "Malformed requests").
 *
 * @param isOwn whether an authority is one of this service's own.
 */
export function readHead(
  request: Pick<IncomingMessage, "method" | "url" | "rawHeaders" | "httpVersion">,
  isOwn: (authority: Authority) => boolean,
): ReadHead {
  const lines = collect(request.rawHeaders);
  const version = request.httpVersion;
  if (version !== "1.1" && version !== "1.0") return refuse("expected HTTP/1.1");

  const hosts = lines.get("host") ?? [];
  const host = parseAuthority(hosts[0] ?? "");
  if (hosts.length !== 1 || host === undefined) return refuse("Host: expected exactly one, host[:port]");
  const authorizations = lines.get("authorization") ?? [];
  if (authorizations.length > 1) return refuse("Authorization: expected at most one");
  const framing = readFraming(lines, version);
  if (framing === undefined) return refuse("Transfer-Encoding: expected chunked alone, in HTTP/1.1");
  const target = readTarget(request.url ?? "", isOwn);
  if (target === undefined)
    return refuse("request target: expected a path of this service, without fragment");

  const [authorization] = authorizations;
  const [expect] = lines.get("expect") ?? [];
  return {
    ok: true,
    head: {
      httpVersion: version,
      method: request.method ?? "",
      ...target,
      rawHeaders: request.rawHeaders,
      body: framing,
    },
    upgrade: lines.has("upgrade"),
    ...(authorization === undefined ? {} : { authorization }),
    ...(expect === undefined ? {} : { expect }),
  };
}

function collect(rawHeaders: readonly string[]): Map<string, string[]> {
  const lines = new Map<string, string[]>();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? "").toLowerCase();
    const value = rawHeaders[i + 1] ?? "";
    const same = lines.get(name);
    if (same === undefined) lines.set(name, [value]);
    else same.push(value);
  }
  return lines;
}

function readFraming(
  lines: ReadonlyMap<string, readonly string[]>,
  version: string,
): BodyFraming | undefined {
  const coding = lines.get("transfer-encoding");
  if (coding !== undefined) {
    const isPlain = coding.length === 1 && coding[0]?.trim().toLowerCase() === "chunked";
    return isPlain && version === "1.1" ? { kind: "chunked" } : undefined;
  }
  // Digits alone, and one line alone: Node has seen to both.
  const length = Number(lines.get("content-length")?.[0] ?? "0");
  return length === 0 ? { kind: "none" } : { kind: "length", length };
}

function readTarget(
  url: string,
  isOwn: (authority: Authority) => boolean,
): { readonly path: string; readonly query: string } | undefined {
  if (url.includes("#")) return undefined;
  const origin = /^https?:\/\/([^/?]*)/i.exec(url);
  if (origin !== null) {
    const authority = parseAuthority(origin[1] ?? "");
    if (authority === undefined || !isOwn(authority)) return undefined;
  }
  const rest = origin === null ? url : url.slice(origin[0].length);
  if (origin === null && !rest.startsWith("/")) return undefined;
  const mark = rest.indexOf("?");
  const path = mark === -1 ? rest : rest.slice(0, mark);
  return { path: path === "" ? "/" : path, query: mark === -1 ? "" : rest.slice(mark + 1) };
}

function refuse(message: string): ReadHead {
  return { ok: false, message };
}

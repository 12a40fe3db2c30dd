import { connectionOptions, foldName, passesToTarget } from "./header-rules.ts";
import type { RequestHead } from "./request-head.ts";
import type { PreparedTarget } from "./target.ts";

/** The upstream request, its body aside. */
export interface ShapedRequest {
  readonly method: string;
  readonly path: string;
  /** Without "?"; empty if there is none. */
  readonly query: string;
  /** Flat list: the requester's end-to-end headers, then the target's. */
  readonly headers: readonly string[];
}

/** Puts the target over what the requester sent, name by name, whatever the case. */
export function shape(target: PreparedTarget, head: RequestHead): ShapedRequest {
  return {
    method: target.method ?? head.method,
    path: target.path,
    query: joinQueries(target, head),
    headers: target.headers.concat(requesterHeaders(target, head.rawHeaders)),
  };
}

function joinQueries(target: PreparedTarget, head: RequestHead): string {
  if (!target.allowQuery || head.query === "") return target.query;
  return target.query === "" ? head.query : `${target.query}&${head.query}`;
}

function requesterHeaders(target: PreparedTarget, rawHeaders: readonly string[]): string[] {
  const connection = connectionOptions(rawHeaders);
  const passed: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    const folded = foldName(name);
    if (!passesToTarget(folded) && !(target.passesPayloadHash && isPayloadHash(name))) continue;
    const lowerCase = name.toLowerCase();
    if (target.headerNames.has(folded) || connection.has(lowerCase)) continue;
    if (target.signer !== undefined && !passesSigned(target.signer, lowerCase, folded)) continue;
    passed.push(name, rawHeaders[i + 1] ?? "");
  }
  return passed;
}

function isPayloadHash(name: string): boolean {
  return name.toLowerCase() === "x-payload-sha256";
}

function passesSigned(
  signer: NonNullable<PreparedTarget["signer"]>,
  lowerCaseName: string,
  foldedName: string,
): boolean {
  return !signer.ownHeaders.has(foldedName) && signer.passesFromRequester(lowerCaseName);
}

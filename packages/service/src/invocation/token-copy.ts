import type { CapabilityToken } from "capability-protocol";
import { printableName } from "capability-protocol";
import type { ShapedRequest } from "./shape.ts";

/**
 * Finds a copy of the client's token in what the target would get of its request: the target would hold the capability. It is found
 * as it is written, in the path, the query and the headers, their names too; few of them are long enough to be searched.
 *
 * @returns the part of the request that has it: a header by its name.
 */
export function findTokenCopy(
  token: CapabilityToken,
  { path, query, clientHeaders, hopHeaders }: Searched,
): string | undefined {
  if (holds(path, token)) return "path";
  if (holds(query, token)) return "query";
  return findInHeaders(clientHeaders, token) ?? findInHeaders(hopHeaders, token);
}

/** `Via` and `CDN-Loop` of {@link ShapedRequest.hopHeaders} continue the client's. */
type Searched = Pick<ShapedRequest, "path" | "query" | "clientHeaders" | "hopHeaders">;

function findInHeaders(headers: readonly string[], token: CapabilityToken): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    if (holds(headers[i + 1] ?? "", token) || holds(name, token)) return printableName(name);
  }
  return undefined;
}

function holds(text: string, token: CapabilityToken): boolean {
  return text.length >= token.length && text.includes(token);
}

import type { CapabilityToken } from "capability-protocol";
import { printableName } from "capability-protocol";
import type { ShapedRequest } from "./shape.ts";

/**
 * Finds a copy of the client's token in what the target would get of its request: the target would hold the capability. It is found
 * as it is written, in the path, the query and the headers; few values are long enough to be searched.
 *
 * @returns the part of the request that has it: a header by its name.
 */
export function findTokenCopy(
  token: CapabilityToken,
  { path, query, clientHeaders }: Pick<ShapedRequest, "path" | "query" | "clientHeaders">,
): string | undefined {
  if (holds(path, token)) return "path";
  if (holds(query, token)) return "query";
  for (let i = 1; i < clientHeaders.length; i += 2) {
    if (holds(clientHeaders[i] ?? "", token)) return printableName(clientHeaders[i - 1] ?? "");
  }
  return undefined;
}

function holds(text: string, token: CapabilityToken): boolean {
  return text.length >= token.length && text.includes(token);
}

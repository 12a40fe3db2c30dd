import { listOf } from "./raw-headers.ts";
import type { RequestHead } from "./request-head.ts";

/** How often a request may come back to the same service: federated re-exports may cross it more than once on purpose. */
export const MAX_VISITS = 8;

/**
 * Appends this hop to `Via` (RFC 9110 §7.6.3) and `CDN-Loop` (RFC 8586). They are added after signing, since the next hop appends
 * to them. A hostile hop can strip them.
 *
 * @param id names this service among others.
 * @returns the header lines; nothing if the request has passed this service too often.
 */
export function addHop(head: RequestHead, id: string): readonly string[] | undefined {
  const via = listOf(head.rawHeaders, "via");
  const loop = listOf(head.rawHeaders, "cdn-loop");
  if (via.length === 0 && loop.length === 0) return ["Via", `${head.httpVersion} ${id}`, "CDN-Loop", id];
  const visits = loop.filter((value) => value.split(";")[0]?.trim() === id).length;
  if (visits >= MAX_VISITS) return undefined;
  return ["Via", [...via, `${head.httpVersion} ${id}`].join(", "), "CDN-Loop", [...loop, id].join(", ")];
}

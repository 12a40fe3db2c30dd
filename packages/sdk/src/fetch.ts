import { canonicalizePath } from "capability-protocol/path";
import { refuse } from "capability-protocol/result";
import { endpointOf } from "./endpoint.ts";
import { invalidField } from "./error.ts";
import { PAYLOAD_HASH_HEADERS, payloadHash } from "./payload-hash.ts";

/**
 * The options of `fetch`, and the path and the query of the request.
 *
 * @example
 * const membrane = new Membrane();
 * const { capabilities } = await membrane.create(CREATE_URI, { id });
 * const target = { uri: TARGET, allowPath: true, allowQuery: true };
 * const { capability } = await membrane.export(capabilities.export, target);
 * const init: CapabilityRequestInit = { path: "/reports/1", query: new URLSearchParams({ from: "2026-01-01" }) };
 * (await fetch(capability, init)).status; // => 200
 */
export interface CapabilityRequestInit extends RequestInit {
  /**
   * Path below that of the target, percent-encoded, if the capability allows one (`allowPath`). Default `/`: the target's URI as it
   * is written. A path that two servers may read as two is refused, and nothing is sent: `fetch` would resolve `..` in it.
   */
  readonly path?: string;
  /** Sent after `?`; a capability that allows no query drops it, or refuses it if it allows a path. */
  readonly query?: string | URLSearchParams;
}

/**
 * `fetch` with a capability in place of a URL.
 *
 * Redirects are returned like other responses, and are not followed unless `redirect` says so: the target chooses where they lead,
 * which may be inside a trusted network. A body over 8 MiB that can be read twice (a string, bytes, a Blob) is sent with its
 * SHA-256, so that a signed target accepts it.
 *
 * @throws CapabilityError, through the promise, unless the capability is a URI that can be resolved and the path is valid; else
 *   what `fetch` throws.
 *
 * @example
 * const membrane = new Membrane();
 * const { capabilities } = await membrane.create(CREATE_URI, { id });
 * const { capability } = await membrane.export(capabilities.export, { uri: TARGET });
 * const response = await fetch(capability, { headers: { Accept: "text/plain" } });
 * response.status; // => 200
 */
export async function fetchCapability(
  capability: string,
  init: CapabilityRequestInit = {},
): Promise<Response> {
  const { url, token } = endpointOf(capability);
  const { path = "/", query, ...options } = init;
  // Put together as texts: a URL parser would read `//host/a` as the path of another origin.
  const target = url.slice(0, -1) + requireCanonical(path);
  const headers = new Headers(options.headers);
  headers.delete("host");
  headers.set("authorization", `Bearer ${token}`);
  if (![...PAYLOAD_HASH_HEADERS].some((name) => headers.has(name))) {
    const hashHeader = await payloadHash(options.body);
    if (hashHeader !== undefined) headers.set(...hashHeader);
  }
  const search = String(query ?? "");
  return fetch(search === "" ? target : `${target}?${search}`, {
    ...options,
    redirect: options.redirect ?? "manual",
    headers,
  });
}

/** The service knows what the target allows. */
const ANY_OPENINGS = { encodedSlash: true, emptySegments: true };

function requireCanonical(path: string): string {
  const canonical = canonicalizePath(path, ANY_OPENINGS);
  if (!canonical.ok) throw invalidField(refuse("path", canonical.error.expected).error);
  return canonical.value;
}

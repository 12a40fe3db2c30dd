import { endpointOf } from "./endpoint.ts";
import { PAYLOAD_HASH_HEADERS, payloadHash } from "./payload-hash.ts";

/**
 * The options of `fetch`, and the query of the request.
 *
 * @example
 * const membrane = new Membrane();
 * const { capabilities } = await membrane.create(CREATE_URI, { id });
 * const { capability } = await membrane.export(capabilities.export, { uri: TARGET, allowQuery: true });
 * const init: CapabilityRequestInit = { query: new URLSearchParams({ from: "2026-01-01" }) };
 * (await fetch(capability, init)).status; // => 200
 */
export interface CapabilityRequestInit extends RequestInit {
  /** Sent after `?`; a capability that does not allow a query drops it. */
  readonly query?: string | URLSearchParams;
}

/**
 * `fetch` with a capability in place of a URL.
 *
 * Redirects are returned like other responses, and are not followed unless `redirect` says so: the target chooses where they lead,
 * which may be inside a trusted network. A body over 8 MiB that can be read twice (a string, bytes, a Blob) is sent with its
 * SHA-256, so that a signed target accepts it.
 *
 * @throws CapabilityError, through the promise, unless the capability is a URI that can be resolved; else what `fetch` throws.
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
  const { query, ...options } = init;
  const headers = new Headers(options.headers);
  headers.delete("host");
  headers.set("authorization", `Bearer ${token}`);
  if (![...PAYLOAD_HASH_HEADERS].some((name) => headers.has(name))) {
    const hashHeader = await payloadHash(options.body);
    if (hashHeader !== undefined) headers.set(...hashHeader);
  }
  const search = String(query ?? "");
  return fetch(search === "" ? url : `${url}?${search}`, {
    ...options,
    redirect: options.redirect ?? "manual",
    headers,
  });
}

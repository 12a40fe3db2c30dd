import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { type RequestOptions, request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { urlToHttpOptions } from "node:url";
import { refuse } from "capability-protocol/result";
import { endpointOf } from "./endpoint.ts";
import { invalidField } from "./error.ts";
import { checkServerIdentity } from "./pem.ts";

/**
 * Opens a request with a capability like `https.request`; the caller writes the body and ends it.
 *
 * @param options those of `https.request`: `path` (with the query), `method`, `headers`, `ca`, … Destination, Host and Authorization are
 *   those of the capability, whatever the options say.
 * @param callback called once with the response.
 * @throws CapabilityError unless the capability is a URI that can be resolved.
 *
 * @example
 * const membrane = new Membrane();
 * const { capabilities } = await membrane.create(CREATE_URI, { id });
 * const { capability } = await membrane.export(capabilities.export, { uri: TARGET });
 * const status = await new Promise((resolve, reject) => {
 *   const outgoing = request(capability, { method: "GET" }, (response) => {
 *     response.resume().on("end", () => resolve(response.statusCode));
 *   });
 *   outgoing.on("error", reject);
 *   outgoing.end();
 * });
 * status; // => 200
 */
export function request(
  capability: string,
  options?: RequestOptions | null,
  callback?: (response: IncomingMessage) => void,
): ClientRequest {
  const { url, token } = endpointOf(capability);
  const { protocol, hostname, port } = urlToHttpOptions(new URL(url));
  const merged = { path: "/", checkServerIdentity, ...options };
  const clientRequest = httpsRequest(
    {
      ...merged,
      protocol,
      hostname,
      host: hostname,
      port: port ?? 443,
      // Without it, Node would check the certificate against the name in a Host header.
      servername: isIP(hostname ?? "") === 0 ? (hostname ?? "") : "",
      socketPath: undefined,
      auth: null,
      headers: { ...withoutReservedHeaders(merged.headers), authorization: `Bearer ${token}` },
    },
    callback,
  );
  // Node does not frame the body of a GET, HEAD, DELETE or OPTIONS, so the server would read it as the next request.
  clientRequest.useChunkedEncodingByDefault = true;
  return clientRequest;
}

/** Headers that the capability determines: where a request goes, and by what right. */
const RESERVED_HEADERS: ReadonlySet<string> = new Set(["authorization", "host"]);

function withoutReservedHeaders(headers: RequestOptions["headers"] | null): OutgoingHttpHeaders {
  if (headers === undefined || headers === null) return {};
  if (Array.isArray(headers)) throw invalidField(refuse("options.headers", "an object").error);
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !RESERVED_HEADERS.has(name.toLowerCase())),
  );
}

import type { ClientRequest, IncomingMessage } from "node:http";
import { MEMBRANE_OPERATION_HEADER } from "capability-protocol/operation";
import { normalizeAuthority } from "capability-protocol/authority";
import { assertCertificates } from "./certificates.ts";
import { endpointOf } from "./endpoint.ts";
import { CapabilityError, requestFailed } from "./error.ts";
import { REQUEST_TIMEOUT_MS, type ServiceTransport } from "./membrane-client.ts";
import { ResponseBuffer } from "./response-buffer.ts";
import type { BufferedResponse } from "./buffered-response.ts";
import { request } from "./request.ts";
import type { TrustedCA } from "./trust.ts";

/**
 * Makes a transport on Node's https that trusts, for each authority in `trust`, only the CA that is given for it.
 *
 * @throws CapabilityError for a CA that does not parse.
 */
export function httpsTransport(trust: TrustedCA): ServiceTransport {
  assertCertificates(trust);
  return async ({ capability, operation, method, query, body }) => {
    const ca = trust.get(normalizeAuthority(endpointOf(capability).authority));
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const open = (): ClientRequest =>
      request(capability, {
        method,
        ...(query === undefined ? {} : { path: `/?${query}` }),
        signal,
        ...(ca === undefined ? {} : { ca }),
        headers: {
          [MEMBRANE_OPERATION_HEADER]: operation,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
      });
    return sendAndBuffer(open, body).catch((error: unknown) => {
      // A response that is aborted at the deadline looks like one that the server aborted.
      throw signal.aborted ? requestFailed(signal.reason) : error;
    });
  };
}

/** Opens a request, ends it with the data and reads the response to its end. Rejects with a CapabilityError. */
export async function sendAndBuffer(
  open: () => ClientRequest,
  data: string | Uint8Array | undefined,
): Promise<BufferedResponse> {
  try {
    const request = open();
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once("response", resolve);
      request.on("error", reject);
      // For Node, a response that switches protocols is neither a response nor an error: only the connection ends.
      request.once("close", () => reject(Object.assign(new Error(NO_RESPONSE), { code: "ECONNRESET" })));
      request.end(data);
    });
    const { statusCode: status = 0, statusMessage: reason = "" } = response;
    return { status, reason, text: await readText(response, status) };
  } catch (error) {
    throw error instanceof CapabilityError ? error : requestFailed(error);
  }
}

const NO_RESPONSE = "the connection ended without a response";

async function readText(response: IncomingMessage, status: number): Promise<string> {
  const bytes = new ResponseBuffer(status);
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError("a response must be read as bytes");
    bytes.add(chunk);
  }
  return bytes.text();
}

import type { ClientRequest, IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { normalizeAuthority } from "capability-protocol";
import { assertCertificates } from "./certificates.ts";
import { endpointOf } from "./endpoint.ts";
import { CapabilityError, requestFailed } from "./error.ts";
import { ANSWER_MS, type Send } from "./membrane-client.ts";
import type { Reply } from "./reply.ts";
import { request } from "./request.ts";
import type { TrustedCA } from "./trust.ts";

/**
 * Sends through Node's https, to the authorities that are given with the CA that is theirs.
 *
 * @throws CapabilityError for a CA that does not parse.
 */
export function httpsTransport(trust: TrustedCA): Send {
  assertCertificates(trust);
  return async ({ capability, method, query, body }) => {
    const ca = trust.get(normalizeAuthority(endpointOf(capability).authority));
    const open = (): ClientRequest =>
      request(capability, {
        method,
        ...(query === undefined ? {} : { path: `/?${query}` }),
        signal: AbortSignal.timeout(ANSWER_MS),
        ...(ca === undefined ? {} : { ca }),
        ...(body === undefined ? {} : { headers: { "content-type": "application/json" } }),
      });
    return replyTo(open, body);
  };
}

/** Opens a request, ends it with the data and reads the answer to its end. Rejects with a CapabilityError. */
export async function replyTo(
  open: () => ClientRequest,
  data: string | Uint8Array | undefined,
): Promise<Reply> {
  try {
    const sent = open();
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      sent.once("response", resolve);
      sent.on("error", reject);
      // An answer that switches protocols is neither a response nor an error to Node; it only ends the connection.
      sent.once("close", () => reject(new Error("the connection ended without an answer")));
      sent.end(data);
    });
    return {
      status: response.statusCode ?? 0,
      reason: response.statusMessage ?? "",
      text: await text(response),
    };
  } catch (error) {
    throw error instanceof CapabilityError ? error : requestFailed(error);
  }
}

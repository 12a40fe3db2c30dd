import { MEMBRANE_OPERATION_HEADER } from "capability-protocol/operation";
import { CapabilityError, requestFailed } from "./error.ts";
import { fetchCapability } from "./fetch.ts";
import { REQUEST_TIMEOUT_MS, type ServiceTransport } from "./membrane-client.ts";
import { ResponseBuffer } from "./response-buffer.ts";

/** Sends a request with the platform's fetch. */
export const fetchTransport: ServiceTransport = async ({ capability, operation, method, query, body }) => {
  try {
    const response = await fetchCapability(capability, {
      method,
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      ...(query === undefined ? {} : { query }),
      ...(body === undefined ? {} : { body }),
      headers: {
        [MEMBRANE_OPERATION_HEADER]: operation,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
    });
    return { status: response.status, reason: response.statusText, text: await readText(response) };
  } catch (error) {
    throw error instanceof CapabilityError ? error : requestFailed(error);
  }
};

/** Reads a body up to a limit, which `Response.text()` does not have. */
async function readText({ body, status }: Response): Promise<string> {
  const bytes = new ResponseBuffer(status);
  if (body === null) return "";
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return bytes.text();
      bytes.add(value);
    }
  } catch (error) {
    await reader.cancel(error).catch(() => undefined);
    throw error;
  }
}

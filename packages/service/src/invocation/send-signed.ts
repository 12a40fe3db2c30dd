import type { UpstreamHandler, UpstreamLease } from "../http1/upstream.ts";
import type { UpstreamRequest } from "./exchange-context.ts";

/** Signs a request and sends it on its connection. One that cannot be signed fails like one that cannot be sent. */
export function sendSigned(lease: UpstreamLease, request: UpstreamRequest, handler: UpstreamHandler): void {
  try {
    lease.send(request, request.sign(), handler);
  } catch (error) {
    const cause = error instanceof Error ? error : new Error("the request was not sent", { cause: error });
    handler.onError(cause, "incomplete");
  }
}

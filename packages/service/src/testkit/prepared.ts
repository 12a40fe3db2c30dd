import { hash } from "node:crypto";
import { parseExportRequest } from "capability-protocol";
import type { Digest } from "capability-protocol/signers";
import type { RequestHead } from "../invocation/request-head.ts";
import type { PreparedTarget } from "../invocation/target.ts";
import { prepareTarget } from "../invocation/target.ts";

export const digest: Digest = (algorithm, bytes) => hash(algorithm, bytes, "buffer");

/** The target of an export body, as it is when the capability is used. */
export function preparedTarget(body: object): PreparedTarget {
  const request = parseExportRequest(body);
  if (!request.ok) throw new Error(`${request.problem.field}: ${request.problem.expected}`);
  return prepareTarget(request.value, digest, () => undefined);
}

/** A requester's head; by default GET / without headers and body. */
export function requestHeadOf(given: Partial<RequestHead> = {}): RequestHead {
  return {
    httpVersion: "1.1",
    method: "GET",
    path: "/",
    query: "",
    rawHeaders: [],
    body: { kind: "none" },
    ...given,
  };
}

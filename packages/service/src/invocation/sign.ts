import type { Digest, PayloadPlan } from "capability-protocol/signers";
import type { RequestHead } from "./request-head.ts";
import type { ShapedRequest } from "./shape.ts";
import type { PreparedTarget } from "./target.ts";

/** How the signature covers the body: nothing at all for a target without a signer. */
export function planPayload(target: PreparedTarget, head: RequestHead): PayloadPlan {
  const { signer } = target;
  if (signer === undefined) return { kind: "declared", value: "" };
  const payloadSha256 = lastHeader(head, "x-payload-sha256");
  const contentSha256 = lastHeader(head, "x-amz-content-sha256");
  return signer.planPayload({
    ...(payloadSha256 === undefined ? {} : { payloadSha256 }),
    ...(contentSha256 === undefined ? {} : { contentSha256 }),
    body: FRAMINGS[head.body.kind],
    secure: target.secure,
  });
}

/** The payload's hash as the signers write it. */
export function hashPayload(payload: Uint8Array, digest: Digest): string {
  return Buffer.from(digest("sha256", payload)).toString("hex");
}

/** Adds the credentials to exactly the request that is sent; nothing that a signature covers may change afterwards. */
export function sign(
  target: PreparedTarget,
  request: ShapedRequest,
  payload: string,
  now: Date,
): readonly string[] {
  if (target.signer === undefined) return request.headers;
  return [...request.headers, ...target.signer.sign(request, payload, now)];
}

const FRAMINGS = { none: "none", length: "known-length", chunked: "unknown-length" } as const;

function lastHeader(head: RequestHead, lowerCaseName: string): string | undefined {
  let value: string | undefined;
  for (let i = 0; i + 1 < head.rawHeaders.length; i += 2) {
    if (head.rawHeaders[i]?.toLowerCase() === lowerCaseName) value = head.rawHeaders[i + 1];
  }
  return value;
}

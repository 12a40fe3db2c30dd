import { createHash } from "node:crypto";
import type { Digest, PayloadPlan } from "capability-protocol/signers";
import { valuesOf } from "./raw-headers.ts";
import type { RequestHead } from "./request-head.ts";
import type { ShapedRequest } from "./shape.ts";
import type { PreparedTarget } from "./target.ts";

/** How the signature covers the body: nothing at all for a target without a signer. */
export function planPayload(target: PreparedTarget, head: RequestHead): PayloadPlan {
  const { signer } = target;
  if (signer === undefined) return { kind: "declared", value: "" };
  const payloadSha256 = valuesOf(head.rawHeaders, "x-payload-sha256").at(-1);
  const contentSha256 = valuesOf(head.rawHeaders, "x-amz-content-sha256").at(-1);
  const contentEncoding = valuesOf(head.rawHeaders, "content-encoding");
  return signer.planPayload({
    ...(payloadSha256 === undefined ? {} : { payloadSha256 }),
    ...(contentSha256 === undefined ? {} : { contentSha256 }),
    ...(contentEncoding.length === 0 ? {} : { contentEncoding: contentEncoding.join(", ") }),
    body: FRAMINGS[head.body.kind],
    secure: target.secure,
  });
}

/** The hash of a payload, piece by piece, as the signers write it. */
export function hashPayload(pieces: readonly Uint8Array[], digest: Digest): string {
  const [first = NOTHING] = pieces;
  if (pieces.length <= 1) return Buffer.from(digest("sha256", first)).toString("hex");
  const hash = createHash("sha256");
  for (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
}

const NOTHING = new Uint8Array();

/** Adds the credentials to exactly the request that is sent; nothing that a signature covers may change afterwards. */
export function sign(
  target: PreparedTarget,
  request: ShapedRequest,
  payload: string,
  now: Date,
): readonly string[] {
  if (target.signer === undefined) return request.headers;
  return request.headers.concat(target.signer.sign(request, payload, now));
}

const FRAMINGS = { none: "none", length: "known-length", chunked: "unknown-length" } as const;

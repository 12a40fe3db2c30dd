import { createHash } from "node:crypto";
import type { HashFunction, PayloadContext, PayloadPlan } from "capability-protocol/signers";
import { isAwsChunked } from "capability-protocol/signers";
import { appendAll, valuesOf } from "./raw-headers.ts";
import type { RequestHead } from "./request-head.ts";
import type { ShapedRequest } from "./shape.ts";
import type { PreparedTarget } from "./prepared-target.ts";

/** How the signature covers a body that is not refused. */
export type AcceptedPlan = Exclude<PayloadPlan, { readonly kind: "refused" }>;

/** How the signature covers the body: nothing at all for a target without a signer. */
export function planPayload(target: PreparedTarget, head: RequestHead): PayloadPlan {
  const { signer } = target;
  if (signer === undefined) return UNSIGNED;
  const payloadSha256 = valuesOf(head.rawHeaders, "x-payload-sha256").at(-1);
  const contentSha256 = valuesOf(head.rawHeaders, "x-amz-content-sha256").at(-1);
  const contentEncoding = valuesOf(head.rawHeaders, "content-encoding");
  return signer.planPayload({
    ...(payloadSha256 === undefined ? {} : { payloadSha256 }),
    ...(contentSha256 === undefined ? {} : { contentSha256 }),
    ...(contentEncoding.length === 0 ? {} : { contentEncoding: contentEncoding.join(", ") }),
    ...(isAwsChunked(contentSha256) ? awsChunkedFields(head) : NO_FIELDS),
    body: FRAMINGS[head.body.kind],
    secure: target.origin.scheme === "https",
  });
}

const NO_FIELDS: Pick<PayloadContext, "decodedContentLength" | "trailer"> = {};

/** Several lines of a name are joined: a second length makes both invalid. */
function awsChunkedFields({ rawHeaders }: RequestHead): typeof NO_FIELDS {
  const lengths = valuesOf(rawHeaders, "x-amz-decoded-content-length");
  const trailers = valuesOf(rawHeaders, "x-amz-trailer");
  return {
    ...(lengths.length === 0 ? {} : { decodedContentLength: lengths.join(", ") }),
    ...(trailers.length === 0 ? {} : { trailer: trailers.join(", ") }),
  };
}

/** The hash of a payload, piece by piece, as the signers write it. */
export function hashPayload(chunks: readonly Uint8Array[], digest: HashFunction): string {
  const [first = EMPTY_PAYLOAD] = chunks;
  if (chunks.length <= 1) return digest("sha256", first, "hex");
  const hash = createHash("sha256");
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}

const EMPTY_PAYLOAD = new Uint8Array();

/**
 * The header lines of exactly the request that is sent, with its credentials.
 *
 * @param payload the hash of the body.
 * @param unsigned added last: lines that a signature does not cover, since the next hop changes them.
 */
export function sign(
  target: PreparedTarget,
  request: ShapedRequest,
  payload: string,
  unsigned: readonly string[],
  now: () => Date,
): string[] {
  const { method, path, query, targetHeaders, clientHeaders } = request;
  const lines = [...targetHeaders];
  appendAll(lines, clientHeaders);
  if (target.signer !== undefined)
    appendAll(lines, target.signer.sign({ method, path, query, headers: lines }, payload, now()));
  appendAll(lines, unsigned);
  return lines;
}

const UNSIGNED: PayloadPlan = { kind: "precomputed", value: "" };

const FRAMINGS = { none: "none", length: "known-length", chunked: "unknown-length" } as const;

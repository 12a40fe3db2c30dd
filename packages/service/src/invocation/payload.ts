import { Readable } from "node:stream";
import { err, ok } from "capability-protocol";
import type { HashFunction } from "capability-protocol/signers";
import type { MaybePromise } from "../collections/maybe-promise.ts";
import type { Denial, Outcome } from "../domain/denial.ts";
import type { DownstreamRequest } from "../http1/downstream.ts";
import { keptPart } from "./aws-chunked/kept-part.ts";
import { AwsChunkedReader } from "./aws-chunked/reader.ts";
import { decodeAwsChunked } from "./aws-chunked/decode.ts";
import type { BufferBudget } from "./buffer-budget.ts";
import { bufferBody } from "./buffered-body.ts";
import type { BodyOptions } from "./request-body.ts";
import { RequestBody } from "./request-body.ts";
import type { RequestHead } from "./request-head.ts";
import type { CompiledLimits } from "./limits/compiled-limits.ts";
import type { Authenticated, Resolution } from "./resolve.ts";
import type { AcceptedPlan } from "./sign.ts";
import { hashPayload } from "./sign.ts";

/** What the bodies of requests are read and held with. */
export interface BodyContext {
  /** How the clients' bodies are read. */
  readonly bodies: BodyOptions;
  /** For the bodies that are held for a signature. */
  readonly bufferBudget: BufferBudget;
  /** How many bytes of a body are held in memory for a signature. */
  readonly maxBufferedBodyBytes: number;
  readonly digest: HashFunction;
}

/** A client's request: its head, and its body, of which nothing was read. */
interface Received {
  readonly head: RequestHead;
  readonly request: DownstreamRequest;
}

type PlanOf<K extends AcceptedPlan["kind"]> = Extract<AcceptedPlan, { readonly kind: K }>;

/** A body as it is sent, and what the signature says of it. */
export interface Payload {
  readonly hash: string;
  readonly body: Readable | Buffer | null;
  /** The length of a body that is held and whose length was not declared, in bytes. */
  readonly length?: number;
  /** Flat list of the trailers of a body that is held. */
  readonly trailers?: readonly string[];
}

/** Refuses a body that declares to be longer than the limits of the capability allow. */
export function checkDeclaredLength(
  { maxBodyBytes }: CompiledLimits,
  { awsChunked }: AcceptedPlan,
  { body }: RequestHead,
): Denial | undefined {
  const declared = awsChunked?.decodedLength ?? (body.kind === "length" ? body.length : 0);
  return declared <= maxBodyBytes ? undefined : { reason: "body_too_large", limit: maxBodyBytes };
}

/**
 * The body, streamed, unless the signature needs all of it first.
 *
 * @returns nothing if the client disconnected meanwhile.
 */
export function preparePayload(
  context: BodyContext,
  authenticated: Authenticated,
  plan: AcceptedPlan,
  { head, request }: Received,
): MaybePromise<Outcome<Payload> | undefined> {
  switch (plan.kind) {
    case "precomputed":
      return ok({
        hash: plan.value,
        body: head.body.kind === "none" ? null : streamBody(context, authenticated, plan, request),
      });
    case "buffer":
      return bufferPayload(context, authenticated, plan, { head, request });
  }
}

function streamBody(
  context: BodyContext,
  { resolution: { compiledLimits } }: Authenticated,
  plan: PlanOf<"precomputed">,
  request: DownstreamRequest,
): Readable {
  // Of an aws-chunked body the declared length counts, which it cannot exceed, not its frames.
  const maxBytes = plan.awsChunked === undefined ? compiledLimits?.maxBodyBytes : undefined;
  const body = new RequestBody(request, context.bodies, maxBytes);
  if (plan.awsChunked === undefined) return body;
  return decodeAwsChunked(body, new AwsChunkedReader(plan.awsChunked, keptPart(plan)));
}

async function bufferPayload(
  context: BodyContext,
  { inFlight, resolution }: Authenticated,
  { awsChunked }: PlanOf<"buffer">,
  { head, request }: Received,
): Promise<Outcome<Payload> | undefined> {
  const { limit, tooLarge } = bufferLimit(context, resolution);
  const declared = awsChunked?.decodedLength ?? (head.body.kind === "length" ? head.body.length : undefined);
  if (declared !== undefined && declared > limit) return err(tooLarge);
  const share = context.bufferBudget.shareFor(resolution.accounts);
  const received = new RequestBody(request, context.bodies);
  const reader = awsChunked === undefined ? undefined : new AwsChunkedReader(awsChunked, "content");
  const content = reader === undefined ? received : decodeAwsChunked(received, reader);
  const body = await bufferBody(content, { expected: declared, limit, tooLarge, share });
  if (!body.ok) return body.error.kind === "refused" ? err(body.error.denial) : undefined;
  const { chunks, length, release } = body.value;
  inFlight.onFinish(release);
  const hash = hashPayload(chunks, context.digest);
  return ok({
    hash,
    body: bodyOf(chunks),
    ...(declared === undefined ? { length } : {}),
    ...(reader === undefined ? {} : { trailers: reader.trailers }),
  });
}

/** The smaller one of two limits: of what is held for a signature, and of the capability. */
function bufferLimit(
  { maxBufferedBodyBytes }: BodyContext,
  { compiledLimits }: Pick<Resolution, "compiledLimits">,
): { readonly limit: number; readonly tooLarge: Denial } {
  const maxBodyBytes = compiledLimits?.maxBodyBytes ?? Infinity;
  const reason = maxBodyBytes < maxBufferedBodyBytes ? "body_too_large" : "signed_body_too_large";
  const limit = Math.min(maxBodyBytes, maxBufferedBodyBytes);
  return { limit, tooLarge: { reason, limit } };
}

/** A body in several pieces is sent piece by piece: joined, it would be in memory twice. */
function bodyOf(chunks: readonly Buffer[]): Readable | Buffer {
  const [first = EMPTY_BODY] = chunks;
  return chunks.length <= 1 ? first : Readable.from(chunks, { objectMode: false });
}

const EMPTY_BODY = Buffer.alloc(0);

/** Gives up the body of a request that is not sent, if it is streamed. */
export function destroyBody(request: Pick<Payload, "body"> | undefined): void {
  if (request?.body instanceof Readable) request.body.destroy();
}

/** Declares the length of a chunked body that is held, since a target may accept no chunked body. */
export function withLength(headers: readonly string[], { length, body }: Payload): readonly string[] {
  if (length === undefined || Buffer.isBuffer(body)) return headers;
  return [...headers, "Content-Length", String(length)];
}

import type { Problem } from "../result.ts";
import type { AwsChunkedFraming } from "./aws4-chunked.ts";
import type { HeaderRule } from "./aws4-client-headers.ts";

/**
 * A one-shot, synchronous hash, passed as an argument so that this package depends on no platform; in Node, `crypto.hash`.
 *
 * @example
 * import { createHash } from "node:crypto";
 * const sha: HashFunction = (algorithm, data, encoding) => createHash(algorithm).update(data).digest(encoding);
 * sha("sha512", new Uint8Array(), "binary").length; // => 64
 */
export type HashFunction = (
  algorithm: "sha256" | "sha512",
  data: Uint8Array,
  encoding: HashEncoding,
) => string;

/**
 * How a hash is written, by Node's names: `binary` is one character a byte. It is text always, since text of a known form costs less than
 * bytes that are encoded afterwards.
 *
 * @example
 * const encoding: HashEncoding = "hex";
 * hash("sha256", new Uint8Array(), encoding) === EMPTY_SHA256; // => true
 */
export type HashEncoding = "base64url" | "binary" | "hex";

/**
 * The request exactly as it will be sent, without the headers that the signer adds.
 *
 * @example
 * const request: SignableRequest = {
 *   method: "GET",
 *   path: "/report",
 *   query: "",
 *   headers: ["Host", "api.example"],
 * };
 * request.path; // => "/report"
 */
export interface SignableRequest {
  readonly method: string;
  /** As on the wire, percent-encoded, starting with `/`. */
  readonly path: string;
  /** As on the wire, without `?`. */
  readonly query: string;
  /** Name, value, name, value, …, one character a byte, Host included. */
  readonly headers: readonly string[];
}

/**
 * What the signer needs to know about a client's request to decide how its body is signed.
 *
 * @example
 * const signer = createSigner(
 *   { scheme: "aws4-hmac-sha256", awsAccessKeyId: "A", region: "r", service: "s3", secretAccessKey: "k" },
 *   [],
 *   hash,
 * );
 * const context: PayloadContext = { body: "known-length", secure: false };
 * signer.planPayload(context).kind; // => "buffer"
 */
export interface PayloadContext {
  /** The client's X-Payload-Sha256. */
  readonly payloadSha256?: string;
  /** The client's X-Amz-Content-Sha256. */
  readonly contentSha256?: string;
  /** The client's Content-Encoding. */
  readonly contentEncoding?: string;
  /** The client's X-Amz-Decoded-Content-Length, read only for an aws-chunked body. */
  readonly decodedContentLength?: string;
  /** The client's X-Amz-Trailer, read only for an aws-chunked body. */
  readonly trailer?: string;
  readonly body: "none" | "known-length" | "unknown-length";
  /** Whether the target is reached over https. */
  readonly secure: boolean;
}

/**
 * How the body is signed.
 *
 * @example
 * const signer = createSigner(
 *   { scheme: "aws4-hmac-sha256", awsAccessKeyId: "A", region: "r", service: "s3", secretAccessKey: "k" },
 *   [],
 *   hash,
 * );
 * const plan: PayloadPlan = signer.planPayload({ body: "none", secure: true });
 * plan; // => { kind: "precomputed", value: EMPTY_SHA256 }
 */
export type PayloadPlan =
  /**
   * The body streams; `value` goes to {@link Signer.sign}. Of an aws-chunked body only the signatures are removed if `value` is
   * {@link STREAMING_UNSIGNED_PAYLOAD_TRAILER}; otherwise all frames are.
   */
  | { readonly kind: "precomputed"; readonly value: string; readonly awsChunked?: AwsChunkedFraming }
  /**
   * Buffer the body, without the frames if it is aws-chunked, hash it with SHA-256, and pass the hash in lower-case hex to
   * {@link Signer.sign}. Trailers become headers.
   */
  | { readonly kind: "buffer"; readonly awsChunked?: AwsChunkedFraming }
  /** The client's headers are invalid. */
  | { readonly kind: "refused"; readonly problem: Problem };

/**
 * Why a client's query cannot be added to a request to the target.
 *
 * @example
 * const signer = createSigner(
 *   { scheme: "aws4-hmac-sha256", awsAccessKeyId: "A", region: "r", service: "s3", secretAccessKey: "k" },
 *   [],
 *   hash,
 * );
 * const refusal: QueryRefusal | undefined = signer.checkQuery("acl", "GET");
 * refusal; // => { kind: "not_allowed", key: "acl" }
 */
export type QueryRefusal =
  /** A query of this form cannot be signed. */
  | { readonly kind: "invalid"; readonly problem: Problem }
  /** This key would change the request's meaning; percent-encoded once. */
  | { readonly kind: "not_allowed"; readonly key: string };

/**
 * Adds the credentials of one target to its requests. It has secrets and must not be serialized.
 *
 * @example
 * const signer: Signer = createSigner({ scheme: "cap1-hmac-sha512", key: "c2VjcmV0", keyId: "1" }, [], hash);
 * signer.ownHeaders.has("authorization"); // => true
 */
export interface Signer {
  /** Lower-case names that only the signer sets; a header of this name from elsewhere is dropped before signing. */
  readonly ownHeaders: ReadonlySet<string>;
  /**
   * Returns the rule for an end-to-end header of the client; nothing if the target does not act on it. Underscores count as
   * hyphens.
   */
  headerRule(lowerCaseName: string, value: string): HeaderRule | undefined;
  /**
   * Returns why the client's query, which is appended to the target's, cannot be signed with this target's credentials.
   *
   * @param method the method that will be sent.
   */
  checkQuery(clientQuery: string, method: string): QueryRefusal | undefined;
  /**
   * Returns why a client's query cannot be signed, if its exporter has named each of its keys: what they mean is not checked.
   */
  checkOpenedQuery(clientQuery: string): Problem | undefined;
  /** Keys that SDKs add and that have no effect: where no query passes, they are dropped. */
  readonly inertQueryKeys: ReadonlySet<string>;
  planPayload(context: PayloadContext): PayloadPlan;
  /**
   * Returns the path to send and to put into {@link SignableRequest.path}: the spelling that every verifier parses in the same
   * way.
   */
  wirePath(path: string): string;
  /** @returns name, value, …: the headers to append to the request, the credentials among them. */
  sign(request: SignableRequest, payload: string, now: Date): readonly string[];
}

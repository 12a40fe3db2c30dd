import { hash } from "node:crypto";

import type { HashFunction, PayloadPlan, PayloadContext, Signer } from "../../src/signers/signer.ts";
import { createSigner } from "../../src/signers/index.ts";
import { type ComparedParts, splitCanonicalRequest } from "./canonical-parts.ts";

/** A request for all three signers. */
export interface ComparedRequest {
  readonly service: string;
  readonly method: string;
  /** The path in the target's configuration; `wirePath` makes the path to send from it. */
  readonly path: string;
  readonly query: string;
  /** One character a byte. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Names in `headers` that the target's configuration sets. */
  readonly configured: readonly string[];
  readonly payloadContext: PayloadContext;
  readonly body: string;
  readonly sessionToken?: string;
}

export const HOST = "target.example";
export const REGION = "eu-central-1";
export const NOW: Date = new Date("2026-11-22T16:19:07Z");
export const ACCESS_KEY_ID = "AKIDEXAMPLE";
export const SECRET_ACCESS_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/** The signature of a request by one signer. */
export interface ReferenceSignature {
  readonly parts: ComparedParts;
  readonly authorization: string;
}

/** The request with all fields that a reference signer needs. */
export interface PreparedRequest extends ComparedRequest {
  readonly wirePath: string;
  readonly payload: string;
}

export function prepare(request: ComparedRequest): PreparedRequest {
  const signer = signerFor(request, hash);
  const payload = payloadOf(signer.planPayload(request.payloadContext), request.body);
  return { ...request, wirePath: signer.wirePath(request.path), payload };
}

/** Signs with this package. The canonical request is taken from the argument of the hash function. */
export function signWithOurs(request: PreparedRequest): ReferenceSignature {
  const hashed: string[] = [];
  const signer = signerFor(request, (algorithm, data, encoding) => {
    hashed.push(Buffer.from(data).toString("utf8"));
    return hash(algorithm, data, encoding);
  });
  const added = signer.sign(
    {
      method: request.method,
      path: request.wirePath,
      query: request.query,
      headers: ["Host", HOST, ...request.headers.flat()],
    },
    request.payload,
    NOW,
  );
  const canonical = hashed.find((text) => text.startsWith(`${request.method}\n/`));
  return { parts: splitCanonicalRequest(canonical ?? ""), authorization: added.at(-1) ?? "" };
}

function signerFor(request: ComparedRequest, hash: HashFunction): Signer {
  const { service, sessionToken } = request;
  return createSigner(
    {
      scheme: "aws4-hmac-sha256",
      awsAccessKeyId: ACCESS_KEY_ID,
      region: REGION,
      service,
      secretAccessKey: SECRET_ACCESS_KEY,
      ...(sessionToken !== undefined && { sessionToken }),
    },
    request.configured,
    hash,
  );
}

function payloadOf(plan: PayloadPlan, body: string): string {
  if (plan.kind === "refused") throw new Error(`the request cannot be signed: ${plan.problem.expected}`);
  return plan.kind === "buffer" ? hash("sha256", body) : plan.value;
}

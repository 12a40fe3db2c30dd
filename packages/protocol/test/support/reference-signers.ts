import { Sha256 } from "@aws-crypto/sha256-js";
import { parseQueryString } from "@smithy/querystring-parser";
import { SignatureV4 } from "@smithy/signature-v4";
import { RequestSigner } from "aws4";

import { isS3Service } from "../../src/signers/aws4-canonical.ts";
import { splitCanonicalRequest } from "./canonical-parts.ts";
import { REWRITTEN_BY_PROXIES } from "./proxy-rewritten-headers.ts";
import {
  ACCESS_KEY_ID,
  HOST,
  NOW,
  type PreparedRequest,
  REGION,
  SECRET_ACCESS_KEY,
  type ReferenceSignature,
} from "./compared-request.ts";

export type ReferenceSignerName = "aws4" | "smithy";

/** Returns the signature of a reference signer, or `undefined` if it throws. */
export async function signWithReference(
  name: ReferenceSignerName,
  request: PreparedRequest,
): Promise<ReferenceSignature | undefined> {
  try {
    return name === "aws4" ? signWithAws4(request) : await signWithSmithy(request);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

function signWithAws4(request: PreparedRequest): ReferenceSignature {
  const search = request.query === "" ? "" : `?${request.query}`;
  const headers = new Map<string, string | string[]>([["x-amz-date", amzDate()]]);
  for (const [name, values] of headersToSign(request)) {
    headers.set(name, values.length > 1 ? values : values.join(","));
  }
  const signer = new RequestSigner(
    {
      service: request.service,
      region: REGION,
      method: request.method,
      path: request.wirePath + search,
      headers: Object.fromEntries(headers),
    },
    credentials(request),
  );
  const signed = signer.sign();
  return {
    parts: splitCanonicalRequest(signer.canonicalString()),
    authorization: String(signed.headers?.["Authorization"]),
  };
}

async function signWithSmithy(request: PreparedRequest): Promise<ReferenceSignature> {
  const signer = new ObservedSignatureV4({
    service: request.service,
    region: REGION,
    credentials: credentials(request),
    sha256: Sha256,
    uriEscapePath: !isS3Service(request.service),
  });
  const headers = new Map<string, string>();
  for (const [name, values] of headersToSign(request)) headers.set(name, values.join(","));
  const signed = await signer.sign(
    {
      method: request.method,
      protocol: "https:",
      hostname: HOST,
      path: request.wirePath,
      query: parseQueryString(`?${request.query}`),
      headers: Object.fromEntries(headers),
    },
    { signingDate: NOW },
  );
  return {
    parts: splitCanonicalRequest(signer.canonical),
    authorization: signed.headers["authorization"] ?? "",
  };
}

class ObservedSignatureV4 extends SignatureV4 {
  canonical = "";

  protected override createCanonicalRequest(
    ...input: Parameters<SignatureV4["createCanonicalRequest"]>
  ): string {
    this.canonical = super.createCanonicalRequest(...input);
    return this.canonical;
  }
}

function credentials(request: PreparedRequest): {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
} {
  const { sessionToken } = request;
  return {
    accessKeyId: ACCESS_KEY_ID,
    secretAccessKey: SECRET_ACCESS_KEY,
    ...(sessionToken !== undefined && { sessionToken }),
  };
}

/**
 * Returns the headers that the contract signs: Host, Content-Type, X-Amz headers and the configured ones. The reference signers
 * would sign all headers, and they take header values as text, not as the UTF-8 bytes that are sent.
 */
function headersToSign(request: PreparedRequest): readonly (readonly [string, string[]])[] {
  const names = new Set(request.configured.map((name) => name.toLowerCase()));
  const grouped = new Map<string, string[]>([
    ["host", [HOST]],
    ["x-amz-content-sha256", [request.payload]],
  ]);
  for (const [givenName, bytes] of request.headers) {
    const name = givenName.toLowerCase();
    if (REWRITTEN_BY_PROXIES.test(name)) continue;
    if (!names.has(name) && name !== "content-type" && !name.startsWith("x-amz-")) continue;
    const value = Buffer.from(bytes, "latin1")
      .toString("utf8")
      .replaceAll(/^[ \t]+|[ \t]+$/g, "");
    grouped.set(name, [...(grouped.get(name) ?? []), value]);
  }
  return [...grouped];
}

function amzDate(): string {
  return NOW.toISOString().replaceAll(/[:-]|\.\d{3}/g, "");
}

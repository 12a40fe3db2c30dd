// Checks a signature as AWS does: signs the request again, with another implementation than the service's.
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";

/** How far the clocks of signer and verifier may be apart (AWS General Reference: 5 minutes). */
const SKEW_MS = 5 * 60_000;

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

/**
 * @param {{ method: string, url: string, headers: import("node:http").IncomingHttpHeaders, body: Buffer }} request
 * @param {{ accessKeyId: string, secretAccessKey: string, region: string, service: string }} expected
 * @param {Date} now
 * @returns {Promise<string | undefined>} the error by AWS's name
 */
export async function verifySignature(request, expected, now) {
  const match = AUTHORIZATION.exec(request.headers.authorization ?? "");
  if (match === null) return "MissingAuthenticationToken";
  const [, accessKeyId = "", day = "", region, service, signedNames = "", signature = ""] = match;
  if (accessKeyId !== expected.accessKeyId) return "UnrecognizedClientException";
  if (region !== expected.region || service !== expected.service) return "SignatureDoesNotMatch";
  const date = parseBasicDate(String(request.headers["x-amz-date"]));
  if (date === undefined || !String(request.headers["x-amz-date"]).startsWith(day))
    return "SignatureDoesNotMatch";
  if (Math.abs(now.getTime() - date.getTime()) > SKEW_MS) return "SignatureDoesNotMatch";
  const payload = createHash("sha256").update(request.body).digest("hex");
  if (request.headers["x-amz-content-sha256"] !== payload) return "SignatureDoesNotMatch";
  const names = signedNames.split(";");
  if (!names.includes("host")) return "SignatureDoesNotMatch";

  const again = await recomputeSignature(request, names, expected, date);
  return timingSafeEqual(Buffer.from(again), Buffer.from(signature)) ? undefined : "SignatureDoesNotMatch";
}

/**
 * @param {{ method: string, url: string, headers: import("node:http").IncomingHttpHeaders, body: Buffer }} request
 * @param {readonly string[]} names
 * @param {{ accessKeyId: string, secretAccessKey: string, region: string, service: string }} credentials
 * @param {Date} date
 */
async function recomputeSignature(request, names, credentials, date) {
  const url = new URL(request.url, "https://lambda.invalid");
  const signer = new SignatureV4({
    credentials,
    region: credentials.region,
    service: credentials.service,
    sha256: Sha256,
  });
  const signed = await signer.sign(
    {
      method: request.method,
      protocol: "https:",
      hostname: String(request.headers.host),
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: Object.fromEntries(names.map((name) => [name, String(request.headers[name])])),
      body: request.body,
    },
    { signingDate: date, signableHeaders: new Set(names), unsignableHeaders: new Set() },
  );
  return signed.headers["authorization"]?.slice(-64) ?? "";
}

/** @param {string} text */
function parseBasicDate(text) {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  return match === null
    ? undefined
    : new Date(`${match[1]}-${match[2]}-${match[3]}T${match[4]}:${match[5]}:${match[6]}Z`);
}

/** The hash for the signer, with Node's crypto. */
class Sha256 {
  /** @param {string | ArrayBuffer | ArrayBufferView} [secret] */
  constructor(secret) {
    this.hash = secret === undefined ? createHash("sha256") : createHmac("sha256", bytes(secret));
  }

  /** @param {string | ArrayBuffer | ArrayBufferView} data */
  update(data) {
    this.hash.update(bytes(data));
  }

  digest() {
    return Promise.resolve(new Uint8Array(this.hash.digest()));
  }
}

/** @param {string | ArrayBuffer | ArrayBufferView} data */
function bytes(data) {
  if (typeof data === "string") return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : Buffer.from(data);
}

import fc from "fast-check";

import { EMPTY_SHA256, STREAMING_UNSIGNED_PAYLOAD_TRAILER } from "../../src/signers/aws4-payload.ts";
import type { PayloadContext } from "../../src/signers/signer.ts";
import type { ComparedRequest } from "./compared-request.ts";

const SERVICES = ["lambda", "s3", "execute-api", "dynamodb", "s3express"];

/** Parts of a path that a WHATWG URL keeps: unreserved characters, raw delimiters, escapes of every kind. */
const pathPiece = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom("a", "B", "7", "-", "_", "~", ".", "..", "invocations") },
  { weight: 6, arbitrary: fc.constantFrom("@", ":", "!", "'", "(", ")", "*", "$", ",", ";", "=", "+", "&") },
  { weight: 6, arbitrary: fc.constantFrom("%20", "%2B", "%40", "%3a", "%61", "%25", "%C3%A9", "%e2%9c%93") },
  { weight: 2, arbitrary: fc.constantFrom("%2F", "%2f", "//") },
  { weight: 1, arbitrary: fc.constantFrom("%FF", "%zz", "%", "|", "[") },
);

const path = fc
  .array(fc.array(pathPiece, { maxLength: 3 }), { maxLength: 5 })
  .map((segments) => `/${segments.map((pieces) => pieces.join("")).join("/")}`);

const queryPiece = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom("a", "b", "C", "1", "-", "~", "_", ".") },
  { weight: 6, arbitrary: fc.constantFrom("/", "?", "@", ":", "!", "'", "(", ")", "*", "$", ",", ";") },
  { weight: 6, arbitrary: fc.constantFrom("%20", "%2B", "%2f", "%26", "%3D", "%61", "%25", "%C3%A9") },
  { weight: 2, arbitrary: fc.constantFrom("+") },
  { weight: 1, arbitrary: fc.constantFrom("%FF", "%zz", "%", "|") },
);

const queryText = fc.array(queryPiece, { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join(""));

const pair = fc.oneof(
  { weight: 10, arbitrary: fc.tuple(queryText, queryText).map(([key, value]) => `${key}=${value}`) },
  { weight: 3, arbitrary: queryText.map((key) => `${key}=`) },
  { weight: 3, arbitrary: fc.constantFrom("a=1", "a=2", "a=1", "%61=0") },
  { weight: 2, arbitrary: queryText },
  { weight: 1, arbitrary: queryText.map((value) => `=${value}`) },
  { weight: 1, arbitrary: fc.tuple(queryText, queryText).map(([key, value]) => `${key}=${value}=${value}`) },
  { weight: 1, arbitrary: fc.constant("") },
);

const query = fc.array(pair, { maxLength: 5 }).map((pairs) => pairs.join("&"));

/** The UTF-8 bytes of a text, one character each, with white space of all kinds. */
const headerValue = fc
  .array(fc.constantFrom("a", "b c", "  ", "\t", '"x  y"', ",", ";q=1", "é", "à", "✓", "\u00a0", ""), {
    maxLength: 4,
  })
  .map((pieces) => Buffer.from(pieces.join(""), "utf8").toString("latin1"));

const configuredName = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom("X-Api-Version", "accept", "X-Tenant", "If-Match") },
  { weight: 4, arbitrary: fc.constantFrom("X-Amz-Target", "x-amz-acl", "X-Amz-Invocation-Type") },
  { weight: 2, arbitrary: fc.constantFrom("User-Agent", "Cache-Control", "Sec-Fetch-Mode", "Referer") },
  { weight: 1, arbitrary: fc.constantFrom("Range", "Date", "X-Amzn-Trace-Id") },
  { weight: 1, arbitrary: fc.constantFrom("Accept-Encoding", "traceparent", "X-Request-Id", "CF-Ray", "b3") },
);

const clientHeaderName = fc.constantFrom(
  "Content-Type",
  "Accept-Language",
  "x-amz-meta-a",
  "X-Amz-Meta-A",
  "User-Agent",
);

const payloadContext: fc.Arbitrary<PayloadContext> = fc.oneof(
  fc.record({
    body: fc.constantFrom("none", "known-length", "unknown-length"),
    secure: fc.boolean(),
  }),
  fc.record({
    body: fc.constantFrom("known-length", "unknown-length"),
    secure: fc.boolean(),
    payloadSha256: fc.constantFrom(EMPTY_SHA256.toUpperCase(), "0a".repeat(32)),
  }),
);

const TRAILER_CONTEXT: PayloadContext = {
  body: "known-length",
  secure: true,
  contentSha256: STREAMING_UNSIGNED_PAYLOAD_TRAILER,
  decodedContentLength: "3",
  trailer: "x-amz-checksum-crc32",
};

const parts = {
  service: fc.constantFrom(...SERVICES),
  method: fc.constantFrom("GET", "POST", "PUT", "M-SEARCH"),
  path,
  query,
  payloadContext,
  body: fc.string(),
};

const configuredHeaders = fc.uniqueArray(fc.tuple(configuredName, headerValue), {
  maxLength: 3,
  selector: ([name]) => name.toLowerCase(),
});

const clientHeaders = fc.array(fc.tuple(clientHeaderName, headerValue), { maxLength: 4 });

/** The client's headers with those of the target in place of the same names. */
const headers = fc.tuple(configuredHeaders, clientHeaders).map(([over, under]) => {
  const configured = over.map(([name]) => name);
  const names = new Set(configured.map((name) => name.toLowerCase()));
  return { configured, headers: [...under.filter(([name]) => !names.has(name.toLowerCase())), ...over] };
});

const anyRequest = fc
  .tuple(
    fc.record(parts),
    headers,
    fc.record({ sessionToken: fc.base64String({ minLength: 4, maxLength: 40 }) }, { requiredKeys: [] }),
  )
  .map(merge);

/** Requests that can be signed, in every payload mode. */
export const comparedRequest: fc.Arbitrary<ComparedRequest> = fc.oneof(
  { weight: 6, arbitrary: anyRequest },
  {
    weight: 1,
    arbitrary: fc
      .tuple(anyRequest, fc.constant({ service: "s3", payloadContext: TRAILER_CONTEXT }), fc.constant({}))
      .map(merge),
  },
);

function merge<A extends object, B extends object, C extends object>([a, b, c]: [A, B, C]): A & B & C {
  return { ...a, ...b, ...c };
}

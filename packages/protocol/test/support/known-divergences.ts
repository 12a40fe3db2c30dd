import { isS3Service } from "../../src/signers/aws4-canonical.ts";
import { removeDotSegments } from "../../src/signers/remove-dot-segments.ts";
import type { ComparedParts } from "./canonical-parts.ts";
import type { PreparedRequest } from "./compared-request.ts";
import type { ReferenceSignerName } from "./reference-signers.ts";
import { REWRITTEN_BY_PROXIES } from "./proxy-rewritten-headers.ts";

/** A kind of request for which the reference signers give different signatures. */
export interface KnownDivergence {
  readonly description: string;
  readonly part: keyof ComparedParts;
  /** Reference signers whose signature is not the one that AWS documents for the request. */
  readonly divergent: readonly ReferenceSignerName[];
  readonly reason: string;
  readonly applies: (request: PreparedRequest) => boolean;
  /** A request of this kind, as changes to a plain one. */
  readonly example: Partial<PreparedRequest>;
}

export const KNOWN_DIVERGENCES: readonly KnownDivergence[] = [
  {
    description: "a key without =",
    part: "query",
    divergent: ["smithy"],
    reason:
      "AWS: a parameter without value gets an empty one (its lifecycle example). smithy's parser gives null, which is not signed.",
    applies: ({ query }) => pieces(query).some((piece) => piece !== "" && !piece.includes("=")),
    example: { query: "lifecycle" },
  },
  {
    description: "a second = in a pair",
    part: "query",
    divergent: ["smithy"],
    reason: "The whole value after the first = is signed; smithy's parser drops the text after the second.",
    applies: ({ query }) => pieces(query).some((piece) => piece.split("=").length > 2),
    example: { query: "a=b=c" },
  },
  {
    description: "+ in a query",
    part: "query",
    divergent: ["smithy"],
    reason:
      "Verifiers parse a query as a form, in which + is a space, and AWS signs a space as %20; smithy signs a plus sign.",
    applies: ({ query }) => query.includes("+"),
    example: { query: "a=b+c" },
  },
  {
    description: "a percent sign in a query that does not begin an escape",
    part: "query",
    divergent: ["smithy"],
    reason: "It means itself and is encoded as %25; smithy's parser throws.",
    applies: ({ query }) => /%(?![0-9A-Fa-f]{2})/.test(query),
    example: { query: "a=%zz" },
  },
  {
    description: "escapes that are not UTF-8, in a query",
    part: "query",
    divergent: ["aws4", "smithy"],
    reason:
      "AWS encodes bytes, so they are unchanged; aws4 signs the replacement character, smithy's parser throws.",
    applies: ({ query }) => pieces(query).some((piece) => !isUtf8(piece)),
    example: { query: "a=%FF" },
  },
  {
    description: "empty pieces together with another one or with an empty key",
    part: "query",
    divergent: ["smithy"],
    reason:
      "An empty piece between two & is not a parameter; smithy's parser makes it a null value, which is signed as the word null.",
    applies: ({ query }) => {
      const emptyKeys = pieces(query).filter((piece) => piece === "" || piece.startsWith("="));
      return emptyKeys.length > 1 && emptyKeys.includes("");
    },
    example: { query: "a=1&&&b=2" },
  },
  {
    description: "an empty key",
    part: "query",
    divergent: ["aws4"],
    reason:
      "A pair that is sent is signed; aws4 removes such a pair from the query that it sends, and we send it.",
    applies: ({ query }) => pieces(query).some((piece) => piece.startsWith("=")),
    example: { query: "=v&a=1" },
  },
  {
    description: "a repeated key to s3",
    part: "query",
    divergent: ["aws4"],
    reason:
      "AWS: parameters are sorted, by value where names are equal; none is left out. aws4 signs only the first.",
    applies: ({ service, query }) => service === "s3" && hasRepeatedKey(query),
    example: { service: "s3", query: "a=2&a=1" },
  },
  {
    description: "a raw character that aws4 re-encodes, together with an escaped delimiter, in a query",
    part: "query",
    divergent: ["aws4"],
    reason:
      "aws4 then rewrites path and query, and %2F becomes %252F; the request that we send is not rewritten.",
    applies: (request) =>
      isRewrittenByAws4(request) &&
      (rewrittenByAws4(request.query) === undefined || hasEscapedDelimiter(request.query)),
    example: { query: "a=|&b=%2F" },
  },
  {
    description: "a raw character that aws4 re-encodes, together with a path that this changes",
    part: "path",
    divergent: ["aws4"],
    reason: "aws4 then rewrites path and query before it signs; the request that we send is not rewritten.",
    applies: (request) => isRewrittenByAws4(request) && isPathChangedByAws4(request),
    example: { path: "/a|b", wirePath: "/a|b" },
  },
  {
    description: "%2F in a path to s3",
    part: "path",
    divergent: ["aws4"],
    reason:
      "The path is signed as sent, as AWS's SDKs sign the ARNs in S3 Control's paths; aws4 turns an escaped slash into a separator.",
    applies: ({ service, wirePath }) => service === "s3" && wirePath.includes("%2F"),
    example: { service: "s3", path: "/a%2Fb", wirePath: "/a%2Fb" },
  },
  {
    description: "escapes that are not UTF-8, in a path to s3",
    part: "path",
    divergent: ["aws4"],
    reason: "AWS encodes bytes, so they are unchanged; aws4 throws.",
    applies: ({ service, wirePath }) => service === "s3" && !isUtf8(wirePath),
    example: { service: "s3", path: "/%FF", wirePath: "/%FF" },
  },
  {
    description: "a path to an S3 service other than s3 that normalizing or encoding would change",
    part: "path",
    divergent: ["aws4"],
    reason: "The paths of S3 services are object names: encoded once, not normalized. aws4 knows only s3.",
    applies: ({ service, wirePath }) =>
      isS3Service(service) &&
      service !== "s3" &&
      (wirePath.includes("%") || removeDotSegments(wirePath) !== wirePath),
    example: { service: "s3express", path: "/a%20b//c", wirePath: "/a%20b//c" },
  },
  {
    description: "Range in the target's configuration",
    part: "headers",
    divergent: ["aws4"],
    reason: "AWS's example for S3 signs Range; aws4 never does.",
    applies: ({ configured }) => configures(configured, /^range$/),
    example: { configured: ["Range"], headers: [["Range", "bytes=0-9"]] },
  },
  {
    description: "a header that intermediaries change, in the target's configuration",
    part: "headers",
    divergent: ["aws4"],
    reason:
      "AWS: headers that are added or changed in transit are not signed. smithy leaves them out; aws4 knows few of them.",
    applies: ({ configured }) => configures(configured, /^(?:cache-control|referer|sec-.*)$/),
    example: { configured: ["Cache-Control"], headers: [["Cache-Control", "no-cache"]] },
  },
  {
    description: "Date in the target's configuration",
    part: "headers",
    divergent: ["smithy"],
    reason:
      "AWS's example for S3 signs Date; smithy removes it from the request that it sends, and we send it.",
    applies: ({ configured }) => configures(configured, /^date$/),
    example: { configured: ["Date"], headers: [["Date", "Sun, 22 Nov 2026 16:19:07 GMT"]] },
  },
  {
    description: "non-ASCII white space in a header value",
    part: "headers",
    divergent: ["aws4"],
    reason: "AWS: sequential spaces become one, and a no-break space is not a space. aws4 treats it as one.",
    applies: ({ configured, headers }) =>
      headers.some(([name, value]) => isSigned(configured, name) && value.includes("\u00c2\u00a0")),
    example: { configured: ["X-Note"], headers: [["X-Note", "a\u00c2\u00a0b"]] },
  },
];

function pieces(query: string): string[] {
  return query === "" ? [] : query.split("&");
}

function escapeStrayPercents(text: string): string {
  return text.replaceAll(/%(?![0-9A-Fa-f]{2})/g, "%25");
}

/** Whether the valid escapes in the text are UTF-8. */
export function isUtf8(text: string): boolean {
  try {
    decodeURIComponent(escapeStrayPercents(text));
    return true;
  } catch {
    return false;
  }
}

function hasRepeatedKey(query: string): boolean {
  const keys = pieces(query)
    .filter((piece) => piece !== "" && !piece.startsWith("="))
    .map((piece) => decodedKey(piece.split("=")[0] ?? ""));
  return new Set(keys).size < keys.length;
}

function decodedKey(key: string): string {
  const escaped = escapeStrayPercents(key).replaceAll("+", "%20");
  return isUtf8(key) ? decodeURIComponent(escaped) : key;
}

function isRewrittenByAws4({ wirePath, query }: PreparedRequest): boolean {
  return /[^0-9A-Za-z;,/?:@&=+$\-_.!~*'()#%]/.test(`${wirePath}?${query}`);
}

/** Returns what aws4 makes of a text with such a character, or `undefined` if it throws. */
function rewrittenByAws4(text: string): string | undefined {
  try {
    return encodeURI(decodeURI(text));
  } catch {
    return undefined;
  }
}

/** Whether the text has escapes that decodeURI keeps and encodeURI then encodes again. */
function hasEscapedDelimiter(text: string): boolean {
  return /%(?:2[346bcf]|3[abdf]|40)/i.test(text);
}

function isPathChangedByAws4({ service, wirePath }: PreparedRequest): boolean {
  const rewritten = rewrittenByAws4(wirePath);
  if (rewritten === undefined) return true;
  // For s3, aws4 decodes and encodes the path later, which undoes its other changes.
  if (service === "s3") return hasEscapedDelimiter(wirePath);
  return removeDotSegments(rewritten) !== removeDotSegments(wirePath);
}

function configures(configured: readonly string[], name: RegExp): boolean {
  return configured.some((input) => name.test(input.toLowerCase()));
}

function isSigned(configured: readonly string[], name: string): boolean {
  const lowerCaseName = name.toLowerCase();
  if (lowerCaseName === "content-type" || lowerCaseName.startsWith("x-amz-")) return true;
  const isKnownUnsigned = /^(?:user-agent|x-amzn-trace-id|cache-control|referer|range|sec-.*)$/;
  if (REWRITTEN_BY_PROXIES.test(lowerCaseName) || isKnownUnsigned.test(lowerCaseName)) return false;
  return configures(configured, new RegExp(`^${lowerCaseName}$`));
}

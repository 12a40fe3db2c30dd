import fc from "fast-check";
import { framedBody, join, MALFORMED_LINES, mostly } from "./fuzz-messages.ts";
import type { GeneratedText } from "./fuzz-mutations.ts";
import { arbitraryScript } from "./fuzz-mutations.ts";
import type { Script } from "./fuzz-script.ts";
import { MARK } from "./fuzz-script.ts";

/** Placeholders for tokens: of a target, of one whose bodies are buffered and signed, of a `create`, and an unknown token. */
export type TokenName = "plain" | "signed" | "create" | "unknown";

/** Replaces the placeholders in the bytes by tokens. */
export function withTokens(bytes: string, tokens: Readonly<Record<TokenName, string>>): string {
  return bytes.replaceAll(/\{(plain|signed|create|unknown)\}/g, (_all, name: TokenName) => tokens[name]);
}

const METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"];

const ODD_VERSIONS = ["HTTP/1.10", "HTTP/01.1", "HTTP/1.", "HTTP/1.1\t", "HTTP/\r1.1", "HTTP/5.6"];

/** A number that distinguishes requests on one connection. */
const number = fc.nat(9);

const requestLine: fc.Arbitrary<GeneratedText> = fc
  .tuple(fc.constantFrom(...METHODS), number)
  .chain(([method, n]) =>
    mostly(
      [`${method} /?${MARK}.${n} HTTP/1.1\r\n`],
      [
        `${method} /?${MARK}.${n} HTTP/1.0\r\n`,
        `${method} /path?${MARK} HTTP/1.1\r\n`,
        `${method} http://membrane.test/?${MARK} HTTP/1.1\r\n`,
        `${method} http://elsewhere.test/?${MARK} HTTP/1.1\r\n`,
        `${method} /?${MARK}#fragment HTTP/1.1\r\n`,
        `${method} * HTTP/1.1\r\n`,
        `${method} /?${MARK}\r\n`,
        `${method}  /?${MARK} HTTP/1.1\r\n`,
        `${method} /?${MARK} HTTP/2.0\r\n`,
        `TRACE /?${MARK} HTTP/1.1\r\n`,
        ...ODD_VERSIONS.map((version) => `${method} /?${MARK} ${version}\r\n`),
        `${method} /?${MARK}\nHTTP/1.1\r\n`,
        `${method}\t/?${MARK} HTTP/1.1\r\n`,
        `${method}\0 /?${MARK} HTTP/1.1\r\n`,
        `\r\n\r\n${method} /?${MARK} HTTP/1.1\r\n`,
        `${method} http://a@membrane.test/?${MARK} HTTP/1.1\r\n`,
        `${method} http://membrane.test:80/?${MARK} HTTP/1.1\r\n`,
        `${method} http://membrane.test?${MARK} HTTP/1.1\r\n`,
        "CONNECT membrane.test:80 HTTP/1.1\r\n",
        "GET /healthz HTTP/1.1\r\n",
        `get /?${MARK} HTTP/1.1\r\n`,
        `GET /?${"q".repeat(17_000)} HTTP/1.1\r\n`,
      ],
    ),
  );

const host = mostly(
  ["Host: membrane.test\r\n"],
  [
    "",
    "Host:\r\n",
    "Host: a\r\nHost: b\r\n",
    "Host: a\r\nHost: a\r\n",
    "Host: a/b\r\n",
    "Host : a\r\n",
    "Host: a\0b\r\n",
    "Host: \xffa\r\n",
    "Host: a\r\n b\r\n",
    " Host: a\r\n",
  ],
);

const authorization = mostly(
  ["Authorization: Bearer {plain}\r\n", "Authorization: Bearer {signed}\r\n"],
  [
    "",
    "Authorization: Bearer {unknown}\r\n",
    "Authorization: Bearer {create}\r\n",
    "Authorization: Bearer {plain}\r\nAuthorization: Bearer {plain}\r\n",
    "Authorization: Bearer {plain} {unknown}\r\n",
    "Proxy-Authorization: Bearer {plain}\r\n",
  ],
);

const headers: fc.Arbitrary<GeneratedText> = fc
  .array(
    mostly(
      [
        `X-Mark: ${MARK}\r\n`,
        "Accept: */*\r\n",
        "Connection: keep-alive\r\n",
        "Content-Type: text/plain\r\n",
        "Cookie: a=b\r\n",
        "X-Empty:\r\n",
        "X-Latin: \xe9\r\n",
        "TE: trailers\r\n",
      ],
      [
        "Connection: close\r\n",
        "Connection: close\t\r\n",
        "Connection: a, close\t\r\n",
        "Connection: keep\ralive\r\n",
        "Connection: X-Mark, Content-Length, Transfer-Encoding, Host\r\n",
        "Connection: upgrade\r\nUpgrade: x\r\n",
        "Upgrade: h2c\r\n",
        "Expect: 100-continue\r\n",
        "Expect: something\r\n",
        "Proxy-Connection: keep-alive\r\n",
        "Content_Length: 8\r\n",
        "X-Amz-Copy-Source: /a\r\n",
        `X-Payload-Sha256: ${"0".repeat(64)}\r\n`,
        "Via: 1.1 a, 1.1 b\r\n",
        ...MALFORMED_LINES,
        ":\r\n",
        "X: y\r\n".repeat(1_000),
      ],
    ),
    { maxLength: 3 },
  )
  .map(join);

const noBody: GeneratedText = { pieces: ["\r\n"], isSound: true };

const json = fc.constant(`{"id":"${MARK}"}`).map((text): GeneratedText => ({
  pieces: [`Content-Length: ${text.length}\r\n`, "\r\n", text],
  isSound: true,
}));

const request: fc.Arbitrary<GeneratedText> = fc
  .tuple(
    requestLine,
    host,
    authorization,
    headers,
    fc.oneof(fc.constant(noBody), framedBody, framedBody, json),
  )
  .map(join);

const requests: fc.Arbitrary<GeneratedText> = fc.array(request, { minLength: 1, maxLength: 4 }).map(join);

const BLOCKS = [
  `GET /?${MARK} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {plain}\r\n\r\n`,
  `POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {plain}\r\nContent-Length: 8\r\n\r\n`,
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  "Authorization: Bearer {plain}\r\n",
  "Host: b\r\n",
  "Expect: 100-continue\r\n",
  "HTTP/1.0\r\n",
];

/** Generates what a client sends on one connection. */
export const arbitraryRequestStream: fc.Arbitrary<Script> = arbitraryScript(requests, BLOCKS);

/** Generates one request, which may be mutated to more or less than one. */
export const arbitraryRequest: fc.Arbitrary<Script> = arbitraryScript(request, BLOCKS);

import { afterAll, beforeAll, expect, test } from "vitest";
import { AWS_KEY } from "../../../testkit/src/aws4-reference.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";

const TARGET = "https://canary.test/";

let service: TestService;
/** Of a signed target of S3, with all that can be opened. */
let s3: string;
/** With limits on queries and headers. */
let limited: string;
let membrane: { readonly export: string };

beforeAll(async () => {
  service = await startTestService();
  const hmac = { "aws4-hmac-sha256": { ...AWS_KEY, service: "s3" } };
  s3 = (await exportTarget(service, { uri: TARGET, hmac, allowPath: true, allowQuery: true })).token;
  const limits = { query: { a: true }, requests: [{ headers: { "x-q": ["1"] } }] };
  const exported = await exportTarget(service, {
    uri: TARGET,
    allowPath: true,
    allowQuery: true,
    headers: { "X-Api-Key": "k" },
    limits,
  });
  limited = exported.token;
  membrane = exported;
});

afterAll(() => service.close());

interface Request {
  readonly line?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

/** @returns the status, and all that was received. */
async function send(
  token: string,
  { line, headers = [], body }: Request,
): Promise<{ readonly status: number; readonly received: string }> {
  await using connection = await openRawConnection(service.port);
  const framing = body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  connection.send(
    requestHead(token, { ...(line === undefined ? {} : { line }), headers: [...headers, ...framing] }) +
      (body ?? ""),
  );
  const { status } = await nextResponse(connection);
  return { status, received: connection.received() };
}

/** Where a person pastes a token by mistake: it is a name that an error could show. */
const SPELLINGS: readonly ((token: string) => string)[] = [
  (whole) => whole,
  (whole) => whole.slice(0, 60),
  (whole) => `x-amz-${whole}`,
];

const IN_INVOCATIONS: readonly (readonly [
  where: string,
  to: () => string,
  place: (name: string) => Request,
])[] = [
  ["a query key", () => limited, (name) => ({ line: `GET /?${name}=1 HTTP/1.1` })],
  ["an ambiguous query key", () => limited, (name) => ({ line: `GET /?${name};x HTTP/1.1` })],
  [
    "an escaped query key",
    () => limited,
    (name) => ({ line: `GET /?%${hex(name)}${name.slice(1)}%FF HTTP/1.1` }),
  ],
  ["a query key of S3", () => s3, (name) => ({ line: `GET /b/k?${name} HTTP/1.1` })],
  ["a header name", () => s3, (name) => ({ headers: [`x-amz-${name}: 1`] })],
  [
    "a header name that names a user",
    () => limited,
    (name) => ({ headers: [`Impersonate-Extra-${name}: 1`] }),
  ],
  ["a path", () => limited, (name) => ({ line: `GET /${name}/../x HTTP/1.1` })],
  ["a method", () => limited, (name) => ({ line: `${name} / HTTP/1.1` })],
  ["an expectation", () => limited, (name) => ({ headers: [`Expect: ${name}`] })],
  ["an operation", () => limited, (name) => ({ headers: [`Membrane-Operation: ${name}`] })],
  ["an upgrade", () => limited, (name) => ({ headers: [`Upgrade: ${name}`, "Connection: upgrade"] })],
  ["a payload hash", () => limited, (name) => ({ headers: [`X-Payload-Sha256: ${name}`] })],
  ["a signed payload", () => s3, (name) => ({ headers: [`X-Amz-Content-Sha256: STREAMING-${name}`] })],
  [
    "a trailer name",
    () => s3,
    (name) => ({ line: "PUT /b/k HTTP/1.1", headers: chunkedWith(name), body: "" }),
  ],
];

function hex(text: string): string {
  return text.charCodeAt(0).toString(16);
}

function chunkedWith(trailer: string): string[] {
  return [
    "X-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "Content-Encoding: aws-chunked",
    "X-Amz-Decoded-Content-Length: 5",
    `X-Amz-Trailer: ${trailer}`,
  ];
}

const target = (fields: object): object => ({ uri: TARGET, ...fields });

const IN_EXPORTS: readonly (readonly [where: string, body: (name: string) => object | string])[] = [
  ["the name of a field", (name) => target({ [name]: 1 })],
  ["a name that is there twice", (name) => `{"${name}": 1, "${name}": 2}`],
  ["a URI", (name) => ({ uri: name })],
  ["a capability", (name) => ({ capability: name })],
  ["a header name", (name) => target({ headers: { [name]: 1 } })],
  ["an opened header", (name) => target({ allowHeaders: [`${name} `] })],
  ["an algorithm", (name) => target({ hmac: { [name]: {} } })],
  ["a field of a signature", (name) => target({ hmac: { "aws4-hmac-sha256": { ...AWS_KEY, [name]: 1 } } })],
  ["a field of TLS", (name) => target({ tls: { [name]: 1 } })],
  ["the name of a limit", (name) => target({ limits: { [name]: 1 } })],
  ["a query key of a limit", (name) => target({ limits: { query: { [name]: 1 } } })],
  ["a header name of a limit", (name) => target({ limits: { headers: { [name]: 1 } } })],
  ["a field of an alternative", (name) => target({ limits: { requests: [{ [name]: 1 }] } })],
  ["a listed value", (name) => target({ limits: { query: { a: [{ [name]: 1 }] } } })],
  ["a pattern", (name) => target({ limits: { paths: [`${name}/..`] } })],
  ["a block of addresses", (name) => target({ limits: { clientCidrs: [name] } })],
  ["a time", (name) => target({ limits: { expiresAt: name } })],
];

/** No part of the token is in the response. */
function expectNoTokenIn(received: string, token: string): void {
  expect(received.toLowerCase()).not.toContain(token.slice(8, 24).toLowerCase());
}

test.each(IN_INVOCATIONS)(
  "an error never shows a token that a client puts into %s",
  async (_where, to, place) => {
    for (const write of SPELLINGS) {
      const response = await send(to(), place(write(limited)));
      expect(response.status).toBeGreaterThanOrEqual(400);
      expectNoTokenIn(response.received, limited);
    }
  },
);

test.each(IN_EXPORTS)("an error never shows a token that an export has as %s", async (_where, body) => {
  for (const write of SPELLINGS) {
    const given = body(write(limited));
    const text = typeof given === "string" ? given : JSON.stringify(given);
    const response = await send(membrane.export, { line: "POST / HTTP/1.1", body: text });
    expect(response.status).toBe(400);
    expectNoTokenIn(response.received, limited);
  }
});

test.each(["create", "provision", "query"] as const)(
  "an error of %s never shows a token that is a name of its input",
  async (operation) => {
    for (const write of SPELLINGS) {
      const name = write(limited);
      const request =
        operation === "query"
          ? { line: `GET /?${name}=1 HTTP/1.1` }
          : { line: "POST / HTTP/1.1", body: JSON.stringify({ id: "a", [name]: 1 }) };
      const response = await send(service.tokens[operation], request);
      expect(response.status).toBe(400);
      expectNoTokenIn(response.received, limited);
    }
  },
);

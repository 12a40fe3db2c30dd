import { err, ok } from "capability-protocol";
import type { Authority, Result } from "capability-protocol";
import { expect, test } from "vitest";
import { clientConnection } from "../../../testkit/src/fixtures.ts";
import { createHostCheck } from "./host.ts";
import { readHead } from "./read-head.ts";
import type { ReadHead } from "./read-head.ts";

interface Request {
  readonly method?: string;
  readonly url?: string;
  readonly version?: string;
  readonly headers?: readonly string[];
}

function read({
  method = "GET",
  url = "/",
  version = "1.1",
  headers = ["Host", "a"],
}: Request): Result<ReadHead, string> {
  const isOwn = (authority: Authority): boolean => authority.toLowerCase() === "own.test";
  const request = { method, url, httpVersion: version, rawHeaders: [...headers], socket: clientConnection() };
  return readHead(request, { isHost: createHostCheck(), isOwn, trustedProxies: [] });
}

test.each([
  ["/", "/", ""],
  ["/?", "/", ""],
  ["/?a=1&b", "/", "a=1&b"],
  ["/?a?b", "/", "a?b"],
  ["/x/y?%zz", "/x/y", "%zz"],
  ["//own.test/", "//own.test/", ""],
  ["http://own.test", "/", ""],
  ["https://OWN.test?a", "/", "a"],
  ["http://own.test/x?y", "/x", "y"],
])("the request target %s is the path %s and the query %s", (url, path, query) => {
  expect(read({ url })).toMatchObject(ok({ path, query }));
});

test.each([
  "",
  "*",
  "a:80",
  "x",
  "/#a",
  "/?a#b",
  "http://other.test/",
  "http://own.test:81/",
  "http://own.test@other.test/",
  "http://user@own.test/",
  "http:///x",
  "ftp://own.test/",
])("the request target %j is refused", (url) => {
  expect(read({ url })).toMatchObject(err(expect.stringContaining("request target")));
});

test.each(["0.9", "1.2", "2.0", ""])("HTTP/%s is refused", (version) => {
  expect(read({ version })).toMatchObject({ ok: false });
});

test.each([
  [[]],
  [["Host", ""]],
  [["Host", "a@b"]],
  [["Host", "a/b"]],
  [["Host", "a, b"]],
  [["Host", "a:0"]],
  [["Host", "a", "host", "a"]],
  [["Host", "a", "HOST", "b"]],
])("the Host lines %j are refused", (headers) => {
  expect(read({ headers })).toMatchObject(err(expect.stringContaining("Host")));
});

test.each([["1.1"], ["1.0"]])("two Authorization lines are refused in HTTP/%s, equal or not", (version) => {
  for (const second of ["x", "y"]) {
    const headers = ["Host", "a", "Authorization", "x", "AUTHORIZATION", second];
    expect(read({ version, headers })).toMatchObject(err(expect.stringContaining("one")));
  }
});

test.each([
  ["nothing", [], { kind: "none" }],
  ["Content-Length: 0", ["Content-Length", "0"], { kind: "none" }],
  ["Content-Length: 7", ["content-length", "7"], { kind: "length", length: 7 }],
  ["chunked", ["Transfer-Encoding", "chunked"], { kind: "chunked" }],
  ["Chunked", ["TRANSFER-ENCODING", "Chunked"], { kind: "chunked" }],
])("the framing of %s is read", (_name, lines, body) => {
  expect(read({ headers: ["Host", "a", ...lines] })).toMatchObject(ok({ body }));
});

test.each([
  ["1.1", ["gzip, chunked"]],
  ["1.1", ["chunked, identity"]],
  ["1.1", ["identity"]],
  ["1.1", ["xchunked"]],
  ["1.1", [""]],
  ["1.1", ["chunked", "chunked"]],
  ["1.1", ["gzip", "chunked"]],
  ["1.0", ["chunked"]],
])("in HTTP/%s the transfer codings %j are refused", (version, codings) => {
  const headers = ["Host", "a", ...codings.flatMap((coding) => ["Transfer-Encoding", coding])];
  expect(read({ version, headers })).toMatchObject({ ok: false });
});

test.each([
  ["HTTP/1.1", "1.1", ["Expect", "100-continue"], "100-continue"],
  ["HTTP/1.1 with two lines", "1.1", ["Expect", "100-continue", "expect", "foo"], "100-continue, foo"],
  ["HTTP/1.0", "1.0", ["Expect", "100-continue"], undefined],
])(
  "in %s the expectation is that of all lines, and in HTTP/1.0 there is none",
  (_what, version, lines, expected) => {
    expect(read({ version, headers: ["Host", "a", ...lines] })).toMatchObject(ok({ expect: expected }));
  },
);

const TOKEN = `CPBLTY1-${"A".repeat(86)}`;

test("the token, Expect and Upgrade are read, and the token is taken out of the header lines", () => {
  const headers = ["Host", "a", "AUTHORIZATION", `Bearer ${TOKEN}`, "expect", "100-continue"];
  expect(read({ headers: [...headers, "Upgrade", "websocket"] })).toMatchObject(
    ok({
      token: TOKEN,
      carrier: "authorization",
      isAnonymous: false,
      expect: "100-continue",
      upgrade: "websocket",
      rawHeaders: ["Host", "a", "expect", "100-continue", "Upgrade", "websocket"],
    }),
  );
  expect(read({})).toEqual(
    ok({
      host: "a",
      httpVersion: "1.1",
      method: "GET",
      path: "/",
      query: "",
      rawHeaders: ["Host", "a"],
      body: { kind: "none" },
      isAnonymous: true,
      upgrade: undefined,
    }),
  );
});

test("a request with Authorization is not anonymous, whatever its value; one with another key that is no token is", () => {
  const withLine = (...line: readonly string[]): unknown => read({ headers: ["Host", "a", ...line] });
  expect(withLine("Authorization", "")).toMatchObject(ok({ isAnonymous: false, token: undefined }));
  expect(withLine("X-Api-Key", TOKEN)).toMatchObject(ok({ isAnonymous: false, carrier: "x-api-key" }));
  expect(withLine("X-Api-Key", "junk")).toMatchObject(ok({ isAnonymous: true, token: undefined }));
});

test("two different tokens are refused, and the message shows neither", () => {
  const other = `CPBLTY1-${"B".repeat(85)}A`;
  const headers = ["Host", "a", "Authorization", `Bearer ${TOKEN}`, "X-Api-Key", other];
  const refused = read({ headers });
  expect(refused).toMatchObject(err(expect.stringContaining("token")));
  expect(JSON.stringify(refused)).not.toContain("CPBLTY1");
});

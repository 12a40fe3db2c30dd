import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RequestHead } from "./request-head.ts";
import { tokenizeRequestHead } from "./request-head.ts";

function tokenize(head: string): RequestHead | undefined {
  return tokenizeRequestHead(Buffer.from(head, "latin1"));
}

/** A GET with these header lines. */
function get(...lines: readonly string[]): string {
  return `GET /a HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;
}

test("a head is taken apart as it was sent", () => {
  expect(
    tokenize("PATCH /a?b=%20 HTTP/1.1\r\nHost: b\r\nX-aBc:1\r\nX-aBc:\t 2 \t\r\nEmpty:\r\n\r\n"),
  ).toEqual({
    method: "PATCH",
    target: "/a?b=%20",
    version: "1.1",
    rawHeaders: ["Host", "b", "X-aBc", "1", "X-aBc", "2", "Empty", ""],
  });
});

test.each([
  ["HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", { version: "1.0" }],
  ["a head without headers", "GET / HTTP/1.1\r\n\r\n", { rawHeaders: [] }],
  ["an empty line before it", "\r\nGET / HTTP/1.1\r\n\r\n", { method: "GET", target: "/" }],
  ["a method of WebDAV", "MKCALENDAR / HTTP/1.1\r\n\r\n", { method: "MKCALENDAR" }],
  ["an absolute target", "GET http://a/b HTTP/1.1\r\n\r\n", { target: "http://a/b" }],
  ["an asterisk", "OPTIONS * HTTP/1.1\r\n\r\n", { method: "OPTIONS", target: "*" }],
  ["bytes above ASCII in a value", get("A: \xe9\xff"), { rawHeaders: ["A", "\xe9\xff"] }],
  ["blanks within a value", get("A:  b \t c  "), { rawHeaders: ["A", "b \t c"] }],
  ["a value of blanks", get("A: \t "), { rawHeaders: ["A", ""] }],
  ["all characters of a name", get("!#$%&'*+-.^_`|~0Az: b"), { rawHeaders: ["!#$%&'*+-.^_`|~0Az", "b"] }],
  ["Content-Length", get("Content-Length: 5"), { rawHeaders: ["Content-Length", "5"] }],
  ["chunked", get("Transfer-Encoding: chunked"), { rawHeaders: ["Transfer-Encoding", "chunked"] }],
  ["Connection", get("Connection: close , x"), { rawHeaders: ["Connection", "close , x"] }],
])("%s is allowed", (_, head, parts) => {
  expect(tokenize(head)).toMatchObject(parts);
});

test.each([
  ["a target without a version that ends like one", "GET /aHTTP/1.1\r\nHost: a\r\n\r\n"],
  ["a folded line", get("A: b", " c")],
  ["a folded first line", get(" A: b")],
  ["a bare LF after a header", "GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n"],
  ["a bare LF after the request line", "GET / HTTP/1.1\nA: b\r\n\r\n"],
  ["a head of bare LFs", "GET / HTTP/1.1\n\n"],
  ["a bare CR in a value", get("A: b\rc")],
  ["a bare CR at the end of a value", get("A: b\r")],
  ["a space before a colon", get("A : b")],
  ["a space in a name", get("A b: c")],
  ["no name", get(": b")],
  ["no colon", get("A")],
  ["a NUL in a value", get("A: b\0c")],
  ["a NUL in a name", get("A\0: b")],
  ["a NUL in the target", "GET /\0 HTTP/1.1\r\n\r\n"],
  ["a control in a value", get("A: b\x01")],
  ["a byte above ASCII in a name", get("\xc4: b")],
  ["a byte above ASCII in the target", "GET /\xc4 HTTP/1.1\r\n\r\n"],
  ["a method that is not known", "FETCH / HTTP/1.1\r\n\r\n"],
  ["a method in lower case", "get / HTTP/1.1\r\n\r\n"],
  ["no target", "GET HTTP/1.1\r\n\r\n"],
  ["HTTP/0.9 without a version", "GET /\r\n\r\n"],
  ["a target that ends like a version", "GET /HTTP/1.1\r\n\r\n"],
  ["a target that ends like a version, before headers", "GET /HTTP/1.0\r\nA: b\r\n\r\n"],
  ["HTTP/0.9", "GET / HTTP/0.9\r\n\r\n"],
  ["HTTP/1.2", "GET / HTTP/1.2\r\n\r\n"],
  ["HTTP/2.0", "GET / HTTP/2.0\r\n\r\n"],
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\n"],
  ["RTSP", "OPTIONS / RTSP/1.0\r\n\r\n"],
  ["ICE", "SOURCE / ICE/1.0\r\n\r\n"],
  ["a blank after the version", "GET / HTTP/1.1 \r\n\r\n"],
  ["Content-Length and Transfer-Encoding", get("Content-Length: 5", "Transfer-Encoding: chunked")],
  ["Transfer-Encoding and Content-Length", get("Transfer-Encoding: chunked", "Content-Length: 5")],
  ["two equal Content-Length", get("Content-Length: 5", "content-length: 5")],
  ["a list in Content-Length", get("Content-Length: 5, 5")],
  ["a signed Content-Length", get("Content-Length: +5")],
  ["an empty Content-Length", get("Content-Length:")],
  ["a Content-Length over 64 bits", get("Content-Length: 18446744073709551616")],
  ["chunked that is not last", get("Transfer-Encoding: chunked, gzip")],
  ["CONNECT", "CONNECT a:1 HTTP/1.1\r\n\r\n"],
  ["Upgrade", get("Upgrade: websocket", "Connection: upgrade")],
  ["no bytes", ""],
  ["an empty line alone", "\r\n\r\n"],
  ["a head that has no end", "GET / HTTP/1.1\r\nA: b\r\n"],
  ["a byte after the head", `${get("A: b")}\r`],
  ["a body after the head", `${get("Content-Length: 1")}a`],
  ["a second head", get("A: b") + get("A: b")],
])("%s is refused", (_, head) => {
  expect(tokenize(head)).toBeUndefined();
});

test("a head that is longer than a window is refused", () => {
  expect(tokenize(get(`A: ${"b".repeat(65_536)}`))).toBeUndefined();
});

test("a refused head leaves nothing to the next one", () => {
  expect(tokenize(get("Transfer-Encoding: chunked", "A : b"))).toBeUndefined();
  expect(tokenize(get("Content-Length: 5"))?.rawHeaders).toEqual(["Content-Length", "5"]);
});

test("thousands of headers are all found", () => {
  const lines = Array.from({ length: 5_000 }, (_, at) => `N${at}: ${at}`);
  expect(tokenize(get(...lines))?.rawHeaders).toEqual(lines.flatMap((line) => line.split(": ")));
});

test("more names than are kept are all told apart", () => {
  const names = Array.from({ length: 3_000 }, (_, at) => `X${(at * 7_919) % 3_001}`);
  for (const name of [...names, ...names]) expect(tokenize(get(`${name}: b`))?.rawHeaders[0]).toBe(name);
});

describe("as node:http", () => {
  /** What Node's server finds in the latest head; undefined if it refuses it. */
  let found: ((head: RequestHead | undefined) => void) | undefined;
  const server = createServer({ requireHostHeader: false, maxHeaderSize: 65_536 });
  server.maxHeadersCount = 0;
  beforeAll(async () => {
    server.on("request", ({ method = "", url = "", httpVersion, rawHeaders }, response) => {
      found?.({ method, target: url, version: httpVersion === "1.0" ? "1.0" : "1.1", rawHeaders });
      response.destroy();
    });
    server.on("clientError", (_error, socket) => {
      found?.(undefined);
      socket.destroy();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  async function ask(head: string): Promise<RequestHead | undefined> {
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    socket.on("error", () => undefined);
    const result = new Promise<RequestHead | undefined>((resolve) => {
      found = resolve;
    });
    socket.end(Buffer.from(head, "latin1"));
    const head_ = await result;
    socket.destroy();
    return head_;
  }

  const piece = fc.oneof(
    fc.constantFrom(..." \t\r\n:\0\x01\x7f\x80\xff,;=aZ09-_", "\r\n", "\r\n ", "\r\n\r\n"),
    fc.constantFrom("A: b\r\n", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"),
  );
  const sound = fc
    .record({
      method: fc.constantFrom("GET", "POST", "QUERY", "PROPFIND", "M-SEARCH"),
      target: fc.constantFrom("/", "/a?b#c", "http://a/b", "*", "/%zz"),
      version: fc.constantFrom("1.0", "1.1"),
      lines: fc.array(
        fc.constantFrom("A: b", "A:b\t", "Empty:", "Host: a", "Cookie: \xe9; a", "Connection: close"),
      ),
    })
    .map(
      ({ method, target, version, lines }) =>
        `${method} ${target} HTTP/${version}\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`,
    );
  const mutated = fc
    .tuple(sound, fc.array(fc.tuple(fc.nat(9_999), fc.nat(2), piece), { maxLength: 3 }))
    .map(([head, edits]) =>
      edits.reduce((text, [place, dropped, inserted]) => {
        const at = Math.floor((place / 10_000) * text.length);
        return text.slice(0, at) + inserted + text.slice(at + dropped);
      }, head),
    );

  test("every sound head has the same parts", async () => {
    await fc.assert(
      fc.asyncProperty(sound, async (head) => {
        expect(await ask(head)).toEqual(tokenize(head));
      }),
      { numRuns: 200 },
    );
  });

  test("whatever is taken apart, Node takes and takes apart in the same way", async () => {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(mutated, async (head) => {
        const mine = tokenize(head);
        if (mine === undefined) return;
        taken += 1;
        expect(await ask(head)).toEqual(mine);
      }),
      { numRuns: 3_000 },
    );
    expect(taken).toBeGreaterThan(50);
  });
});

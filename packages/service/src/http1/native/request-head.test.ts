import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Parser } from "../llhttp/parser.ts";
import { mayBecomeFastHead, readFastHead } from "./request-head.ts";

const HEAD =
  "POST /a?b=c HTTP/1.1\r\nHost: d\r\nContent-Length: 5\r\nconnection: Keep-Alive\r\nX: \xe9\r\n\r\n";

function read(head: string): ReturnType<typeof readFastHead> {
  return readFastHead(Buffer.from(head, "latin1"));
}

test("a head of the subset is read as it was sent", () => {
  expect(read(HEAD)).toEqual({
    method: "POST",
    url: "/a?b=c",
    rawHeaders: ["Host", "d", "Content-Length", "5", "connection", "Keep-Alive", "X", "\xe9"],
    length: 5,
  });
});

test.each([
  ["another version", HEAD.replace("1.1", "1.0")],
  ["an empty line before it", `\r\n${HEAD}`],
  ["a target in absolute form", HEAD.replace("/a", "http://d/a")],
  ["the target *", HEAD.replace("POST /a?b=c", "OPTIONS *")],
  ["a target with other bytes than ASCII", HEAD.replace("/a", "/\xe9")],
  ["CONNECT", HEAD.replace("POST /a?b=c", "CONNECT d:1")],
  ["a method that is rare", HEAD.replace("POST", "PROPFIND")],
  ["a coding", HEAD.replace("Content-Length: 5", "Transfer-Encoding: chunked")],
  ["an expectation", HEAD.replace("X: \xe9", "EXPECT: 100-continue")],
  ["another protocol", HEAD.replace("X: \xe9", "Upgrade: h2c")],
  ["the end of its connection", HEAD.replace("Keep-Alive", "close")],
  ["a header for this connection alone", HEAD.replace("Keep-Alive", "keep-alive, X")],
  ["what old proxies say of the connection", HEAD.replace("X: \xe9", "Proxy-Connection: keep-alive")],
  ["two lengths", HEAD.replace("X: \xe9", "content-length: 5")],
  ["a length of 16 digits", HEAD.replace(": 5", `: ${"0".repeat(15)}5`)],
  ["a length that is no number", HEAD.replace(": 5", ": 0x5")],
  ["a folded line", HEAD.replace("X: \xe9", "X: a\r\n b")],
  ["a space before a colon", HEAD.replace("X:", "X :")],
])("a head with %s is left to Node's server", (_what, head) => {
  expect(head).not.toBe(HEAD);
  expect(read(head)).toBeUndefined();
});

describe("the part of a head", () => {
  const bytes = Buffer.from(HEAD, "latin1");
  const line = HEAD.indexOf("\r\n") + 2;

  test("may wait for the rest, from the end of the request line on, wherever it is cut", () => {
    for (let end = line; end < bytes.length; end += 1)
      expect(mayBecomeFastHead(bytes.subarray(0, end)), String(end)).toBe(true);
  });

  test.each([
    ["a request line that is not whole", "GET / HTTP"],
    ["a line that ends with LF alone", "GET / HTTP/1.1\r\nHost: a\n"],
    ["a NUL", "GET / HTTP/1.1\r\nHost: a\0"],
    ["a space before a colon", "GET / HTTP/1.1\r\nHost : a"],
    ["a folded line", "GET / HTTP/1.1\r\nHost: a\r\n b"],
    ["a CR within a line", "GET / HTTP/1.1\r\nHost: a\rb"],
    ["another version", "GET / HTTP/1.0\r\nHost: a\r\n"],
    ["a method that is not known", "FOO / HTTP/1.1\r\nHost: a\r\n"],
    ["a CR after a name", "GET / HTTP/1.1\r\nHost\r"],
    ["CONNECT", "CONNECT /x HTTP/1.1\r\nHo"],
    ["a length that is no number", "GET / HTTP/1.1\r\nContent-Length: abc\r\n"],
    ["the beginning of one", "GET / HTTP/1.1\r\nContent-Length: 1a"],
    ["an empty length", "GET / HTTP/1.1\r\nContent-Length: \r\n"],
    ["a length of 16 digits", "GET / HTTP/1.1\r\nContent-Length: 1234567890123456"],
    ["a length with a no-break space", "GET / HTTP/1.1\r\nContent-Length: 5\xa0"],
    ["two lengths", "GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: "],
    ["a coding", "GET / HTTP/1.1\r\nTransfer-Encoding:"],
    ["an expectation", "GET / HTTP/1.1\r\nExpect: 1"],
    ["another protocol", "GET / HTTP/1.1\r\nUpgrade: h"],
  ])("does not wait if Node's parser refuses it at once, or it is outside the subset: %s", (_what, part) => {
    expect(mayBecomeFastHead(Buffer.from(part, "latin1"))).toBe(false);
  });

  test("that may wait is none that llhttp, which is Node's parser, refuses", () => {
    const line = fc
      .tuple(
        fc.constantFrom(
          "Content-Length",
          "content-length",
          "Host",
          "X",
          "Connection",
          "Transfer-Encoding",
          "Content-Length ",
        ),
        fc.constantFrom(":", ": ", ":\t ", ""),
        fc.constantFrom(
          "5",
          "0005",
          "5 5",
          "5a",
          "",
          " ",
          "chunked",
          "1234567890123456",
          "5\xa0",
          "\x01",
          "5 \t",
          "a\rb",
        ),
        fc.constantFrom("\r\n", "\n", "\r\n "),
      )
      .map((parts) => parts.join(""));
    const part = fc
      .tuple(
        fc.constantFrom(
          "GET / HTTP/1.1\r\n",
          "FOO / HTTP/1.1\r\n",
          "POST /a?b HTTP/1.1\r\n",
          "CONNECT /a HTTP/1.1\r\n",
        ),
        fc.array(line, { maxLength: 3 }),
        fc.nat(20),
      )
      .map(([first, lines, cut]) => [first + lines.join(""), cut] as const)
      .map(([head, cut]) => head.slice(0, Math.max(0, head.length - cut)));
    let waiting = 0;
    fc.assert(
      fc.property(part, (head) => {
        const sent = Buffer.from(head, "latin1");
        if (head.includes("\r\n\r\n") || !mayBecomeFastHead(sent)) return;
        waiting += 1;
        const parser = new Parser("request");
        const stop = parser.execute(sent);
        parser.free();
        expect(stop, head).toBe("input");
      }),
      { numRuns: 3_000 },
    );
    expect(waiting).toBeGreaterThan(100);
  });
});

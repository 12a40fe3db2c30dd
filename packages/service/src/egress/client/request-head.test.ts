import { Readable } from "node:stream";
import { expect, test } from "vitest";
import type { RequestMessage } from "../../http1/upstream.ts";
import { InvalidRequestError } from "./errors.ts";
import type { OutgoingHead } from "./request-head.ts";
import { outgoingHead, writeHead } from "./request-head.ts";

function head(request: Partial<RequestMessage>, headers: readonly string[] = []): OutgoingHead {
  const message = {
    method: "GET",
    path: "/",
    body: null,
    responseTimeoutMs: 1,
    idleTimeoutMs: 1,
    ...request,
  };
  return writeHead(message, headers, "default.test");
}

test("the lines are those of the caller, after those of the connection", () => {
  expect(head({ path: "/a?b" }, ["X-A", "b", "x-a", "\xe9\tc", "Host", "a.test:1"]).lines).toBe(
    "GET /a?b HTTP/1.1\r\nhost: a.test:1\r\nconnection: keep-alive\r\nX-A: b\r\nx-a: \xe9\tc\r\n",
  );
});

test("without a Host the one of the target is written", () => {
  expect(head({}).lines).toBe("GET / HTTP/1.1\r\nhost: default.test\r\nconnection: keep-alive\r\n");
});

test("a length is kept for the line that frames the body", () => {
  expect(head({ method: "PUT", body: Buffer.from("body") }, ["content-LENGTH", "4"])).toMatchObject({
    lines: "PUT / HTTP/1.1\r\nhost: default.test\r\nconnection: keep-alive\r\n",
    declaredLength: 4,
    expectsBody: true,
  });
});

test("a request for another protocol says so", () => {
  expect(head({ upgrade: "websocket" }).lines).toContain("\r\nconnection: upgrade\r\nupgrade: websocket\r\n");
});

test.each([
  ["GET", null, true],
  ["GET", Buffer.alloc(0), true],
  ["PUT", null, true],
  ["PUT", Buffer.from("body"), true],
  ["PUT", Readable.from([]), true],
  ["HEAD", null, false],
  ["GET", Buffer.from("body"), false],
  ["DELETE", Readable.from([]), false],
])("whether the connection is kept after %s with the body %s: %s", (method, body, isKept) => {
  expect(head({ method, body }).keepsConnection).toBe(isKept);
});

test.each([
  ["a line feed in a value", {}, ["A", "b\nEvil: c"]],
  ["a carriage return in a value", {}, ["A", "b\rc"]],
  ["NUL in a value", {}, ["A", "b\0"]],
  ["a character that becomes a line feed as one byte", {}, ["A", "b\u010aEvil: c"]],
  ["a character that becomes a carriage return as one byte", { path: "/\u010d" }, []],
  ["a line feed in a name", {}, ["A: b\nEvil", "c"]],
  ["an empty name", {}, ["", "b"]],
  ["a colon in a name", {}, ["A:", "b"]],
  ["a blank in a method", { method: "GET /evil HTTP/1.1\r\n" }, []],
  ["no method", { method: "" }, []],
  ["a blank in a path", { path: "/ HTTP/1.1\r\nEvil: a" }, []],
  ["a tab in a path", { path: "/\t" }, []],
  ["DEL in a path", { path: "/\x7f" }, []],
  ["no path", { path: "" }, []],
  ["two hosts", {}, ["Host", "a.test", "host", "b.test"]],
  ["two lengths", { method: "PUT", body: Buffer.from("a") }, ["Content-Length", "1", "content-length", "1"]],
  ["a length that is no number", { method: "PUT", body: Readable.from([]) }, ["Content-Length", "1, 1"]],
  ["a length with a sign", { method: "PUT", body: Readable.from([]) }, ["Content-Length", "+1"]],
  ["a length of another body", { method: "PUT", body: Buffer.from("body") }, ["Content-Length", "5"]],
  ["a length of no body", { method: "PUT" }, ["Content-Length", "5"]],
  ["Transfer-Encoding", {}, ["transfer-encoding", "chunked"]],
  ["Connection", {}, ["Connection", "close"]],
  ["Keep-Alive", {}, ["Keep-Alive", "timeout=1"]],
  ["Upgrade", {}, ["Upgrade", "websocket"]],
  ["Expect", {}, ["Expect", "100-continue"]],
])("%s is refused", (_what, request, headers) => {
  expect(() => head(request, headers)).toThrow(InvalidRequestError);
});

test("an error names no value", () => {
  expect(() => head({}, ["Authorization", "secret\n"])).toThrow(/^(?!.*secret)/);
});

test("what is written for a list of headers that comes again is kept, unless a body follows it", () => {
  const message = { method: "GET", path: "/", body: null, responseTimeoutMs: 1, idleTimeoutMs: 1 };
  const headers = ["X-A", "b"];
  const first = outgoingHead({ ...message, repeats: true }, headers, "default.test");
  expect(first).toEqual(writeHead(message, headers, "default.test"));
  expect(outgoingHead({ ...message, repeats: true }, headers, "default.test")).toBe(first);
  expect(outgoingHead({ ...message, repeats: true }, [...headers], "default.test")).not.toBe(first);
  expect(outgoingHead(message, headers, "default.test")).not.toBe(first);
  const body = Buffer.from("body");
  expect(outgoingHead({ ...message, repeats: true, body }, headers, "default.test").keepsConnection).toBe(
    false,
  );
});

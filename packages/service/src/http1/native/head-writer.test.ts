import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HeadWriter } from "./head-writer.ts";

const KEEP_ALIVE_MS = 65_999;

let respond: (request: IncomingMessage, response: ServerResponse) => void;
let server: Server;
beforeAll(async () => {
  server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) =>
    respond(request, response),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => void server.close());

/** A response, and how its connection goes on. */
const aResponse = fc.record({
  method: fc.constantFrom("GET", "HEAD"),
  status: fc.constantFrom(200, 204, 206, 301, 304, 404, 503),
  reason: fc.constantFrom("OK", "", "so\tso", "caf\xe9"),
  headers: fc
    .array(
      fc.constantFrom(
        ["X-One", "1"],
        ["x-one", ""],
        ["Content-Length", "0"],
        ["content-length", "0"],
        ["Date", "yesterday"],
        ["DATE", ""],
        ["Set-Cookie", "a=b; c\xe9"],
      ),
      { maxLength: 4 },
    )
    .map((lines) => lines.flat()),
  closes: fc.boolean(),
});

test("a head has the same bytes as the one that Node's server writes", async () => {
  await fc.assert(
    fc.asyncProperty(aResponse, async ({ method, status, reason, headers, closes }) => {
      let date = "";
      respond = (_request, response) => {
        if (closes) response.shouldKeepAlive = false;
        response.writeHead(status, reason, headers);
        response.end();
      };
      const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
      socket.setEncoding("latin1").end(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
      const [head = ""] = (await text(socket)).split("\r\n\r\n");
      date = /\r\nDate: (\w[^\r]*GMT)/.exec(head)?.[1] ?? "";
      const hasBody = method !== "HEAD" && status !== 204 && status !== 304;
      const writer = new HeadWriter(KEEP_ALIVE_MS, () => Date.parse(date) + 999);
      const { text: written } = writer.write(status, reason, headers, { hasBody, closes });
      expect(written).toBe(`${head}\r\n\r\n`);
    }),
  );
});

test.each(["a\r\nX: y", "a\n", "a\0", "€"])("a value that could end its line is refused: %j", (value) => {
  const writer = new HeadWriter(KEEP_ALIVE_MS);
  const framing = { hasBody: true, closes: false };
  expect(() => writer.write(200, "OK", ["X", value], framing)).toThrow(TypeError);
  expect(() => writer.write(200, value, [], framing)).toThrow(TypeError);
});

test("the length of a body is found whatever the case of its name", () => {
  const framing = { hasBody: true, closes: false };
  const { hasLength } = new HeadWriter(KEEP_ALIVE_MS).write(200, "OK", ["cOnTeNt-LeNgTh", "1"], framing);
  expect(hasLength).toBe(true);
});

test("a head that was written for a list of headers comes again, with the date of the second", () => {
  let now = 0;
  const writer = new HeadWriter(KEEP_ALIVE_MS, () => now);
  const framing = { hasBody: true, closes: false };
  const headers = ["X", "y"];
  const write = (...changed: Partial<Parameters<HeadWriter["write"]>>): string => {
    const [status = 200, reason = "OK", lines = headers, frame = framing] = changed;
    const { text } = writer.write(status, reason, lines, frame, true);
    expect(text).toBe(writer.write(status, reason, lines, frame).text);
    return text;
  };
  const first = write();
  expect(write()).toBe(first);
  now = 1_000;
  expect(write()).not.toBe(first);
  write(404);
  write(200, "Fine");
  write(200, "OK", ["X", "z"]);
  write(200, "OK", headers, { hasBody: false, closes: false });
  write();
  write(200, "OK", headers, { hasBody: true, closes: true });
});

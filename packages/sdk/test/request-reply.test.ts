import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import CapabilitySDK from "../src/index.ts";
import type { RequestListener } from "node:http";
import { startHttpsServer } from "./support/tls-server.ts";
import type { TlsServer } from "./support/tls-server.ts";

let server: TlsServer;
let handle: RequestListener;

beforeEach(async () => {
  server = await startHttpsServer((request, response) => handle(request, response));
});

afterEach(() => server[Symbol.asyncDispose]());

const respondWith =
  (status: number, body: string, reason?: string): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, reason).end(body);

const sendRequestReply = (): Promise<unknown> =>
  CapabilitySDK.requestReply(server.capability, { ca: server.ca });

test.each([
  ['{"a": [1, null]}', { a: [1, null] }],
  ["[]", []],
  ['"text"', "text"],
  ["0", 0],
  ["null", null],
  ["", ""],
  ['{"error": null, "statusCode": 399}', { error: null, statusCode: 399 }],
  ['{"error": "", "statusCode": "500"}', { error: "", statusCode: "500" }],
])("the JSON of a response 200 with %j is returned", async (body, value) => {
  handle = respondWith(200, body);
  expect(await sendRequestReply()).toEqual(value);
});

describe("is an error:", () => {
  test.each([
    [
      200,
      '{"error": "Oops", "message": "it broke"}',
      { error: "Oops", statusCode: 200, message: "it broke" },
    ],
    [
      200,
      '{"error": "Not Found", "statusCode": 404, "message": "no such thing", "code": "gone"}',
      { error: "Not Found", statusCode: 404, message: "no such thing", code: "gone" },
    ],
    [200, '{"statusCode": 400}', { error: "OK", statusCode: 400, message: "Responded with 400 OK" }],
    [200, '{"error": true}', { error: "OK", statusCode: 200, message: "Responded with 200 OK" }],
    [404, '{"error": "Not Found", "message": "no"}', { error: "Not Found", statusCode: 404, message: "no" }],
    [409, '{"statusCode": 200, "message": "m"}', { error: "Conflict", statusCode: 409, message: "m" }],
    [400, "", { error: "Bad Request", statusCode: 400, message: "Responded with 400 Bad Request" }],
    [
      502,
      "<html>no JSON</html>",
      { error: "Bad Gateway", statusCode: 502, message: "Responded with 502 Bad Gateway" },
    ],
    [500, "[1]", { error: "Internal Server Error", statusCode: 500, code: "error_response" }],
    [500, "null", { error: "Internal Server Error", statusCode: 500, code: "error_response" }],
    [599, '{"message": 7}', { statusCode: 599, code: "error_response" }],
  ])("%i with %s", async (status, body, error) => {
    handle = respondWith(status, body);
    await expect(sendRequestReply()).rejects.toBeInstanceOf(CapabilitySDK.CapabilityError);
    await expect(sendRequestReply()).rejects.toMatchObject(error);
  });

  test("a body that is not JSON, with the name that old callers check, the status, and without the body", async () => {
    handle = respondWith(200, "canary: no JSON");
    const error = await sendRequestReply().catch((refused: unknown) => refused);
    expect(error).toMatchObject({
      error: "Parsing response failed",
      statusCode: 200,
      code: "invalid_response",
      message: "The response is not valid: body: expected JSON",
    });
    expect(JSON.stringify(error)).not.toContain("canary");
  });

  test("no response, with the name that old callers check, and the system's error as its cause", async () => {
    const { capability } = server;
    await server[Symbol.asyncDispose]();
    server = await startHttpsServer(respondWith(200, ""));
    await expect(CapabilitySDK.requestReply(capability)).rejects.toMatchObject({
      error: "Request failed",
      statusCode: 0,
      code: "request_failed",
      cause: { code: "ECONNREFUSED" },
    });
  });
});

test("the method is GET unless the options say otherwise; path, headers and bytes are passed", async () => {
  handle = (request, response) => {
    const { method, url, headers } = request;
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      response.end(
        JSON.stringify({ method, url, x: headers["x-a"], body: Buffer.concat(chunks).toString("hex") }),
      );
    });
  };
  const { capability, ca } = server;
  expect(await sendRequestReply()).toEqual({ method: "GET", url: "/", body: "" });
  const options = { ca, method: "PUT", path: "/?a=1", headers: { "X-A": "b" } };
  expect(await CapabilitySDK.requestReply(capability, options, Uint8Array.of(0, 255))).toEqual({
    method: "PUT",
    url: "/?a=1",
    x: "b",
    body: "00ff",
  });
});

test.each([
  ["data that is neither text nor bytes", {}, { an: "object" }, "data: expected a string or bytes"],
  ["headers in a list", { headers: ["X", "y"] }, null, "options.headers: expected an object"],
  ["a path with a space", { path: "/ a" }, null, /^No response: .*unescaped/],
  ["a header with a line break", { headers: { x: "a\r\nb" } }, null, /^No response: Invalid character/],
])("%s is a CapabilityError and nothing is sent", async (_what, options, data, message) => {
  const refused = CapabilitySDK.requestReply(server.capability, options as object, data as any);
  await expect(refused).rejects.toBeInstanceOf(CapabilitySDK.CapabilityError);
  await expect(refused).rejects.toThrow(message);
  expect(server.connections()).toBe(0);
});

test("data over the size that a service buffers is sent with its hash, unless the caller declares one", async () => {
  const hashes: unknown[] = [];
  handle = (request, response) => {
    hashes.push(request.headers["x-payload-sha256"], request.headers["x-amz-content-sha256"]);
    request.resume().on("end", () => response.end("null"));
  };
  const data = Buffer.alloc(8 * 1024 * 1024 + 1);
  const hash = createHash("sha256").update(data).digest("hex");
  const send = (headers: Record<string, string>, body: Buffer): Promise<unknown> =>
    CapabilitySDK.requestReply(server.capability, { ca: server.ca, method: "POST", headers }, body);
  await send({}, data);
  await send({ "X-Amz-Content-Sha256": "own" }, data);
  await send({ "x-payload-sha256": "own" }, data);
  await send({}, data.subarray(1));
  expect(hashes).toEqual([hash, undefined, undefined, "own", "own", undefined, undefined, undefined]);
});

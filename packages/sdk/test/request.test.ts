import { once } from "node:events";
import type { ClientRequest, IncomingMessage } from "node:http";
import type { RequestOptions } from "node:https";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeCertificate } from "../../testkit/src/tls-target.ts";
import CapabilitySDK from "../src/index.ts";
import { CANARY, startHttpsServer, startRawTlsServer } from "./support/tls-server.ts";
import type { TlsServer } from "./support/tls-server.ts";

/** A request as the server received it. */
interface EchoedRequest {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

const echo = async (request: IncomingMessage): Promise<EchoedRequest> => ({
  method: request.method ?? "",
  url: request.url ?? "",
  rawHeaders: request.rawHeaders,
  body: await text(request),
});

let right: TlsServer;
let wrong: TlsServer;

beforeAll(async () => {
  right = await startHttpsServer((request, response) => {
    void echo(request).then((echoed) => response.end(JSON.stringify(echoed)));
  });
  wrong = await startRawTlsServer("HTTP/1.1 418 Wrong\r\nContent-Length: 0\r\n\r\n");
});

afterAll(async () => {
  await right[Symbol.asyncDispose]();
  await wrong[Symbol.asyncDispose]();
});

async function readEcho(request: ClientRequest): Promise<EchoedRequest> {
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return JSON.parse(await text(response)) as EchoedRequest;
}

async function echoed(options: RequestOptions, capability = right.capability): Promise<EchoedRequest> {
  const request = CapabilitySDK.request(capability, { ca: right.ca, ...options });
  request.end();
  return readEcho(request);
}

function header(message: EchoedRequest, name: string): readonly string[] {
  return message.rawHeaders.filter((_text, at, all) => at % 2 === 1 && all[at - 1]?.toLowerCase() === name);
}

test.each([
  ["hostname", () => ({ hostname: "wrong.invalid" })],
  ["host", () => ({ host: "wrong.invalid" })],
  ["hostname, host and port", () => ({ hostname: "127.0.0.1", host: "127.0.0.1", port: wrong.port })],
  ["port", () => ({ port: wrong.port })],
  ["defaultPort", () => ({ defaultPort: wrong.port })],
  ["protocol", () => ({ protocol: "http:" })],
  ["socketPath", () => ({ socketPath: "/wrong.sock" })],
  ["a Host header", () => ({ headers: { host: "wrong.invalid" } })],
  ["null for headers", () => ({ headers: null as unknown as Record<string, string> })],
])("a request with %s in options is sent to the authority of the capability", async (_name, options) => {
  const message = await echoed(options());
  expect(header(message, "host")).toEqual([right.authority]);
  expect(header(message, "authorization")).toEqual([`Bearer ${CANARY}`]);
  expect(wrong.connections()).toBe(0);
});

test("neither a Host header nor a server name in options changes the name that the certificate must have", async () => {
  const certificate = await makeCertificate("evil.example");
  await using evil = await startHttpsServer((_request, response) => void response.end(), { certificate });
  for (const options of [{}, { headers: { Host: "evil.example" } }, { servername: "evil.example" }]) {
    const request = CapabilitySDK.request(evil.capability, { ca: evil.ca, ...options });
    request.end();
    await expect(once(request, "response")).rejects.toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
  }
});

test.each([
  { auth: "user:password" },
  { headers: { authorization: "Bearer wrong" } },
  { headers: { Authorization: "Bearer wrong" } },
  { headers: { authorization: "Bearer wrong", Authorization: "Bearer wrong, too" } },
  { headers: { AUTHORIZATION: ["Basic a", "Bearer b"], aUTHORIZATION: "c" } },
  { auth: "user:password", headers: { Authorization: "Basic wrong" } },
])("%j does not replace the token of the capability", async (options) => {
  expect(header(await echoed(options), "authorization")).toEqual([`Bearer ${CANARY}`]);
});

test("the caller's options and headers objects are not changed", async () => {
  const options = Object.freeze({
    ca: right.ca,
    port: 1,
    headers: Object.freeze({ Authorization: "mine", "X-A": "1" }),
  });
  const message = await echoed(options);
  expect(header(message, "x-a")).toEqual(["1"]);
  expect(options).toMatchObject({ port: 1, headers: { Authorization: "mine", "X-A": "1" } });
});

test("method, path with query, and headers are sent as given; without a path it is /", async () => {
  const headers = { "X-Two": ["a", "b"], "Content-Type": "text/plain" };
  const message = await echoed({ method: "PATCH", path: "/a/b?c=%20&d", headers });
  expect(message).toMatchObject({ method: "PATCH", url: "/a/b?c=%20&d" });
  expect(header(message, "x-two")).toEqual(["a", "b"]);
  expect(header(message, "content-type")).toEqual(["text/plain"]);
  expect(await echoed({})).toMatchObject({ method: "GET", url: "/", body: "" });
  const request = CapabilitySDK.request(right.capability, null);
  request.on("error", () => undefined);
  expect(request.path).toBe("/");
  request.destroy();
});

test("an authority without a port means port 443", () => {
  const request = CapabilitySDK.request(`cpblty://localhost/#${CANARY}`, {
    lookup: (_host, _options, done) => done(new Error("looked up"), "", 4),
  });
  request.on("error", () => undefined);
  expect(request.getHeader("host")).toBe("localhost");
  request.destroy();
});

test("the authority may be an IPv6 address", async () => {
  await using six = await startHttpsServer(
    (request, response) => void echo(request).then((message) => response.end(JSON.stringify(message))),
    { host: "::1" },
  );
  const request = CapabilitySDK.request(six.capability, { ca: six.ca });
  request.end();
  expect(header(await readEcho(request), "host")).toEqual([`[::1]:${six.port}`]);
});

const SMUGGLED = `POST /smuggled HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n`;

test.each(["GET", "DELETE", "OPTIONS", "POST", undefined])(
  "bytes written as the body of a %s are its body and never a second request",
  async (method) => {
    const seen: string[] = [];
    await using server = await startHttpsServer((request, response) => {
      void echo(request).then(({ url, body }) => {
        seen.push(`${url} ${body}`);
        response.end("{}");
      });
    });
    const given = method === undefined ? {} : { method };
    const request = CapabilitySDK.request(server.capability, { ...given, ca: server.ca });
    request.write(SMUGGLED);
    request.end("end");
    await readEcho(request);
    await CapabilitySDK.requestReply(server.capability, { ...given, ca: server.ca }, SMUGGLED);
    expect(seen).toEqual([`/ ${SMUGGLED}end`, `/ ${SMUGGLED}`]);
  },
);

test("a request without the CA of a private authority fails with the error of TLS", async () => {
  const request = CapabilitySDK.request(right.capability);
  request.end();
  await expect(once(request, "response")).rejects.toMatchObject({ code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" });
});

import type { LookupFunction } from "node:net";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { env } from "node:process";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Authority } from "capability-protocol";
import { Agent, fetch } from "undici";
import type { CallOptions, CallResponse } from "../../../testkit/src/client.ts";
import { call, expectStatus, tokenOf, uriOf } from "../../../testkit/src/client.ts";
import { freePort } from "../../../testkit/src/free-port.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { run } from "../../../testkit/src/run.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import type { TestCertificate } from "../../../testkit/src/tls-target.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";

/* References of a target below its base lead clients back to this service, where their token works. */

let certificate: TestCertificate;
let service: TestService;
let other: TestService;
let target: TestTarget;
let dispatcher: Agent;
const cas = new Map<Authority, string>();

/** The response of the target to a request for `/v1/first`; others get their path. */
let first: { readonly status: number; readonly headers: Readonly<Record<string, string>> };
afterEach(() => {
  first = { status: 200, headers: {} };
});

const lookup: LookupFunction = (_hostname, _options, callback) =>
  callback(null, [{ address: "127.0.0.1", family: 4 }]);

/** Starts a service under the authority with its own port, so that clients reach it where references lead. */
async function startReachable(): Promise<TestService> {
  const port = await freePort();
  const authority = `localhost:${port}`;
  return await startTestService({ authority, port, tls: certificate, authorityCas: cas, lookup });
}

beforeAll(async () => {
  certificate = await makeCertificate("localhost", "127.0.0.1");
  service = await startReachable();
  other = await startReachable();
  for (const { authority } of [service, other]) cas.set(authority, certificate.ca);
  target = await startTarget(({ method, url = "" }, response) => {
    if (!url.startsWith("/v1/first")) return response.end(`${method} ${url}`);
    const body = "<Error><Endpoint>other.example</Endpoint></Error>";
    return response
      .writeHead(first.status, { "Content-Type": "application/xml", ...first.headers })
      .end(body);
  });
  dispatcher = new Agent({ connect: { ca: certificate.ca } });
});
afterAll(async () => {
  await Promise.all([service.close(), other.close(), dispatcher.close()]);
  await target[Symbol.asyncDispose]();
});

function at(one: TestService, token: string | undefined, options: CallOptions = {}): Promise<CallResponse> {
  return call(one, token, { dispatcher, ...options });
}

let membranes = 0;

async function exportTo(one: TestService, body: object): Promise<string> {
  membranes += 1;
  const made = await at(one, one.tokens.create, { body: { id: `m${membranes}` } });
  const token = tokenOf(expectStatus(made, 201).json.capabilities.export);
  return tokenOf(expectStatus(await at(one, token, { body }), 201).json.capability);
}

function exportOpen(more: object = {}): Promise<string> {
  return exportTo(service, { uri: `${target.url}v1`, allowPath: true, allowQuery: true, ...more });
}

function originOf({ authority }: TestService): string {
  return `https://${authority}`;
}

test("a client that follows the links of a listing gets every page, and sends its token only to this service", async () => {
  const token = await exportOpen({ uri: `${target.url}v1?key=secret` });
  first = {
    status: 200,
    headers: { Link: '<?key=secret&page=2>; rel="next", </v1/first?page=9&key=secret>; rel="last"' },
  };
  const { headers } = await at(service, token, { path: "/first?page=1" });
  const own = originOf(service);
  expect(headers["link"]).toBe(`<${own}/first?page=2>; rel="next", <${own}/first?page=9>; rel="last"`);
  const next = await fetch(`${own}/next?page=2`, {
    dispatcher,
    headers: { authorization: `Bearer ${token}` },
  });
  expect(await next.text()).toBe("GET /v1/next?key=secret&page=2");
});

test.each([301, 302, 303, 307, 308])(
  "curl follows a %i below the base with its token, to this service",
  async (status) => {
    await using directory = await temporaryDirectory();
    const ca = join(directory.path, "ca.pem");
    await writeFile(ca, certificate.ca);
    const token = await exportOpen();
    for (const location of [`${target.url}v1/done?a=b`, "/v1/done?a=b", "done?a=b"]) {
      first = { status, headers: { Location: location } };
      for (const header of [`Authorization: Bearer ${token}`, `X-Api-Key: ${token}`]) {
        const args = ["-sL", "--cacert", ca, "-H", header, `${originOf(service)}/first`];
        const { stdout } = await run("curl", args, { env: { PATH: env["PATH"] } });
        expect(stdout, location).toBe("GET /v1/done?a=b");
      }
    }
  },
);

test.each([301, 307])(
  "a client of S3 gets a rewritten %i without the body that names another host",
  async (status) => {
    const token = await exportOpen();
    first = { status, headers: { Location: "/v1/done", "Content-Length": "49" } };
    for (const method of ["GET", "HEAD", "PUT"]) {
      const headers = { "x-amz-security-token": token };
      const response = await at(service, undefined, { path: "/first", method, headers });
      expect(response.status).toBe(status);
      expect(response.headers["location"]).toBe(`${originOf(service)}/done`);
      expect(response.headers["content-length"]).toBe("0");
      expect(response.headers["content-type"]).toBeUndefined();
      expect(response.text).toBe("");
    }
  },
);

test("the body that a client of S3 does not get is not taken for its next response", async () => {
  const headers = [`X-Amz-Security-Token: ${await exportOpen()}`];
  first = { status: 307, headers: { Location: "/v1/done", "Content-Length": "49" } };
  await using connection = await openRawConnection(service.port, certificate.ca);
  connection.send(requestHead(undefined, { line: "GET /first HTTP/1.1", headers }));
  await nextResponse(connection);
  const from = connection.received().length;
  connection.send(requestHead(undefined, { line: "GET /done HTTP/1.1", headers }));
  expect((await nextResponse(connection, { from })).body).toBe("GET /v1/done");
  expect(connection.received()).not.toContain("other.example");
});

test("what leads outside the base is no concern of a path: a link is dropped, a redirect passed on as it is, or refused", async () => {
  const token = await exportOpen();
  for (const outside of ["https://other.example/a", "/v2", "/v1/../v2", "/v1/a%2fb", "/v1/"]) {
    first = {
      status: 302,
      headers: { Location: outside, Link: `<${outside}>`, "Content-Location": outside },
    };
    const { headers } = await at(service, token, { path: "/first" });
    expect(headers["link"]).toBeUndefined();
    expect([headers["location"], headers["content-location"]]).toEqual([outside, outside]);
    const refused = await at(service, undefined, { path: "/first", headers: { "x-api-key": token } });
    expect(refused).toMatchObject({ status: 502, json: { code: "redirect_not_passed" } });
  }
});

test("without allowPath references pass as they are", async () => {
  const token = await exportTo(service, { uri: `${target.url}v1/first` });
  first = { status: 200, headers: { "Content-Location": "/v1/first", Link: "</v1/first/a>" } };
  const { headers } = await at(service, token);
  expect([headers["content-location"], headers["link"]]).toEqual(["/v1/first", "</v1/first/a>"]);
});

test("references of a target of another authority are rewritten by both services", async () => {
  const token = await exportTo(other, { capability: uriOf(service, await exportOpen()) });
  first = { status: 200, headers: { Link: "</v1/a?b>; rel=next, <https://other.example/>", Location: "c" } };
  const { headers } = await at(other, token, { path: "/first" });
  expect(headers["link"]).toBe(`<${originOf(other)}/a?b>; rel=next`);
  expect(headers["location"]).toBe(`${originOf(other)}/c`);
  expect((await at(other, token, { path: "/a?b" })).text).toBe("GET /v1/a?b");
});

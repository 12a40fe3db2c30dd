import type { LookupFunction } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Agent } from "undici";
import type { Authority } from "capability-protocol";
import { parseAuthority } from "capability-protocol";
import { AWS_KEY, isCorrectlySigned, sha256 } from "../../../testkit/src/aws4-reference.ts";
import { call, expectStatus, tokenOf } from "../../../testkit/src/client.ts";
import type { CallResponse, CallOptions } from "../../../testkit/src/client.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";
import { awsChunked } from "../support/aws-chunked.ts";

/** Two services with one private CA. Each reaches the other by a name that resolves to loopback. */
let a: TestService;
let b: TestService;
let target: TestTarget;
let dispatcher: Agent;
const cas = new Map<Authority, string>();

const ADDRESSES: Readonly<Record<string, string>> = {
  "a.test": "127.0.0.1",
  "b.test": "127.0.0.1",
  "inside.test": "10.0.0.1",
  "metadata.test": "169.254.169.254",
};
const lookup: LookupFunction = (hostname, _options, callback) => {
  const address = ADDRESSES[hostname];
  if (address === undefined) callback(Object.assign(new Error("no such name"), { code: "ENOTFOUND" }), []);
  else callback(null, [{ address, family: 4 }]);
};

beforeAll(async () => {
  const certificate = await makeCertificate("a.test", "b.test", "127.0.0.1");
  const common = { tls: certificate, authorityCas: cas, lookup };
  a = await startTestService({ ...common, authority: "a.test", aliases: ["alias.test", "other.test:443"] });
  b = await startTestService({ ...common, authority: "b.test" });
  for (const authority of [authorityOf(a), authorityOf(b)]) cas.set(authority, certificate.ca);
  target = await startTarget((request, response) => void response.end(`${request.method} ${request.url}`));
  dispatcher = new Agent({ connect: { ca: certificate.ca } });
});
afterAll(async () => {
  await Promise.all([a.close(), b.close(), dispatcher.close()]);
  await target[Symbol.asyncDispose]();
});

/** Returns the authority under which the other service reaches this one, with its port. */
function authorityOf(service: TestService): Authority {
  return parseAuthority(`${service.authority}:${service.port}`)!;
}

function uriAt(authority: string, token: string): string {
  return `cpblty://${authority}/#${token}`;
}

function at(service: TestService, token: string, options: CallOptions = {}): Promise<CallResponse> {
  return call(service, token, { dispatcher, ...options });
}

let membranes = 0;

/** Exports a target like `exportTarget`, over TLS. */
async function exportTarget(service: TestService, body: object): Promise<{ token: string; revoke: string }> {
  membranes += 1;
  const made = await at(service, service.tokens.create, { body: { id: `m${membranes}` } });
  const { capabilities } = expectStatus(made, 201).json;
  const exported = await at(service, tokenOf(capabilities.export), { body });
  const token = tokenOf(expectStatus(exported, 201).json.capability);
  return { token, revoke: tokenOf(capabilities.revoke) };
}

async function reexport(from: TestService, token: string, through: TestService): Promise<string> {
  return (await exportTarget(through, { capability: uriAt(authorityOf(from), token) })).token;
}

test("method, query and body pass through a re-export from another authority", async () => {
  const { token } = await exportTarget(a, { uri: `${target.url}x?a=1`, allowQuery: true });
  const foreign = await reexport(a, token, b);
  const response = await at(b, foreign, { method: "PUT", path: "/?b=%2f&c", body: "the body" });
  expect(response).toMatchObject({ status: 200, text: "PUT /x?a=1&b=%2f&c" });
  const request = target.requests.at(-1)!;
  expect(request.body.toString()).toBe("the body");
  expect(request.headers).not.toHaveProperty("authorization");
  expect(request.headers.via).toMatch(/^1\.1 membrane-\w+, 1\.1 membrane-\w+$/);
  expect([response.headers["vary"]].flat().at(-1)).toMatch(/^Authorization, X-Api-Key, /);
});

test("the path, the query and credentials of the client pass in their canonical form to the first authority, which decides about them", async () => {
  const open = { uri: `${target.url}v1`, allowPath: true, encodedSlash: true, allowQuery: ["api_key"] };
  const { token } = await exportTarget(a, { ...open, allowHeaders: ["private-token"] });
  const foreign = await reexport(a, token, b);
  const headers = { "private-token": "of the client", "x-vault-token": "of the client" };
  const response = await at(b, foreign, { path: "/x%2f%79/z?api_key=1", headers });
  expect(response).toMatchObject({ status: 200, text: "GET /v1/x%2Fy/z?api_key=1" });
  expect(target.requests.at(-1)!.headers).toMatchObject(headers);
  expect(await at(b, foreign, { path: "/x//y" })).toMatchObject({
    status: 400,
    json: { code: "invalid_path" },
  });
  expect(await at(b, foreign, { path: "/?page=1" })).toMatchObject({ status: 403 });
  const closed = await reexport(a, (await exportTarget(a, { uri: target.url })).token, b);
  expect(await at(b, closed, { path: "/x" })).toMatchObject({
    status: 404,
    json: { code: "path_not_found" },
  });
  const requests = target.requests.length;
  expect(await at(b, closed, { path: "/%252e%252e" })).toMatchObject({
    status: 400,
    json: { code: "invalid_path" },
  });
  expect(target.requests).toHaveLength(requests);
});

test("a re-export from another authority is checked by its own limits first, on the canonical path, and then there", async () => {
  const { token } = await exportTarget(a, { uri: target.url, allowPath: true, encodedSlash: true });
  const capability = uriAt(authorityOf(a), token);
  const limits = { methods: ["GET"], paths: ["/x/**", "/y%2F*"], headers: { "x-kept": true } };
  const foreign = (await exportTarget(b, { capability, limits })).token;
  const headers = { "x-kept": "1", "x-dropped": "2" };
  expect(await at(b, foreign, { path: "/%78/z", headers })).toMatchObject({ status: 200, text: "GET /x/z" });
  expect(target.requests.at(-1)!.headers).toMatchObject({ "x-kept": "1" });
  expect(target.requests.at(-1)!.headers).not.toHaveProperty("x-dropped");
  expect(await at(b, foreign, { path: "/y%2fz" })).toMatchObject({ status: 200, text: "GET /y%2Fz" });
  const requests = target.requests.length;
  for (const [options, status, code] of [
    [{ path: "/y" }, 403, "path_not_allowed"],
    [{ path: "/x", method: "POST" }, 405, "method_not_allowed"],
    [{ path: "/x/..%2fy" }, 400, "invalid_path"],
    [{ path: "/x", headers: { "x-amz-copy-source": "/b/k" } }, 403, "header_not_allowed"],
    [{ path: "/x//z" }, 400, "invalid_path"],
  ] as const)
    expect(await at(b, foreign, options)).toMatchObject({ status, json: { code } });
  expect(target.requests).toHaveLength(requests);
});

test("maxBodyBytes of a re-export from another authority counts the frames of an aws-chunked body too", async () => {
  const hmac = { "aws4-hmac-sha256": { ...AWS_KEY, service: "s3" } };
  const { token } = await exportTarget(a, { uri: target.url, allowPath: true, hmac });
  const { headers: lines, body } = awsChunked("STREAMING-UNSIGNED-PAYLOAD-TRAILER", "hello", {
    crc32: "AAAAAA==",
  });
  const headers = Object.fromEntries(lines.map((line) => line.split(": ")));
  const put = async (maxBodyBytes: number): Promise<number> => {
    const capability = uriAt(authorityOf(a), token);
    const foreign = await exportTarget(b, { capability, limits: { maxBodyBytes } });
    return (await at(b, foreign.token, { method: "PUT", path: "/b/k", headers, body })).status;
  };
  const before = target.requests.length;
  expect(await put(body.length - 1)).toBe(413);
  expect(target.requests).toHaveLength(before);
  expect(await put(body.length)).toBe(200);
});

test("Membrane-Operation passes, so that the other authority checks it", async () => {
  const create = uriAt(authorityOf(a), a.tokens.create);
  const membrane = expectStatus(await at(b, b.tokens.create, { body: { id: "operation" } }), 201);
  const exporting = tokenOf(membrane.json.capabilities.export);
  const lent = tokenOf(
    expectStatus(await at(b, exporting, { body: { capability: create } }), 201).json.capability,
  );
  const said = (operation: string) => ({
    body: { id: "through b" },
    headers: { "membrane-operation": operation },
  });
  expect(await at(b, lent, said("export"))).toMatchObject({
    status: 400,
    json: { code: "wrong_capability" },
  });
  expect(await at(b, lent, said("nonsense"))).toMatchObject({ status: 400, json: { code: "invalid_field" } });
  expect((await at(b, lent, said("create"))).status).toBe(201);
});

test("a local use is counted though the other authority refuses the request", async () => {
  const capability = uriAt(authorityOf(a), a.tokens.create);
  const { token } = await exportTarget(b, { capability, limits: { maxUses: 2 } });
  const refused = async () => (await at(b, token, { body: { wrong: 1 } })).status;
  expect([await refused(), await refused(), await refused()]).toEqual([400, 400, 401]);
});

test("X-Payload-Sha256 passes, so that the first authority can sign a body that streams", async () => {
  const hmac = { "aws4-hmac-sha256": { ...AWS_KEY, service: "lambda" } };
  const { token } = await exportTarget(a, { uri: target.url, hmac });
  const foreign = await reexport(a, token, b);
  const body = "x".repeat(9 * 1024 * 1024);
  const headers = { "x-payload-sha256": sha256(body) };
  expect(await at(b, foreign, { body, headers })).toMatchObject({ status: 200 });
  expect(target.requests.at(-1)!.headers["x-amz-content-sha256"]).toBe(sha256(body));
  expect(isCorrectlySigned(target.requests.at(-1)!, "lambda")).toBe(true);
});

test("a service capability of another authority can be re-exported", async () => {
  const foreign = await reexport(a, a.tokens.create, b);
  const response = await at(b, foreign, { body: { id: "made from afar" } });
  expect(response).toMatchObject({ status: 201, json: { id: "made from afar" } });
  expect(response.json.capabilities.export).toMatch(/^cpblty:\/\/a\.test\/#/);
});

test("a revoke at the first authority ends the re-export, and one at the second does not end the original", async () => {
  const first = await exportTarget(a, { uri: target.url });
  const second = await exportTarget(b, { capability: uriAt(authorityOf(a), first.token) });
  const third = await exportTarget(b, { capability: uriAt(authorityOf(a), first.token) });
  expect(await at(b, second.revoke)).toMatchObject({ status: 202 });
  expect((await at(b, second.token)).status).toBe(401);
  expect((await at(a, first.token)).status).toBe(200);
  expect((await at(b, third.token)).status).toBe(200);
  expect(await at(a, first.revoke)).toMatchObject({ status: 202 });
  expect((await at(b, third.token)).status).toBe(401);
});

test("an authority whose certificate no trusted CA signed gets no request", async () => {
  const { token } = await exportTarget(a, { uri: target.url });
  const foreign = await reexport(a, token, b);
  const ca = cas.get(authorityOf(a))!;
  const fresh = await exportTarget(a, { uri: target.url });
  cas.delete(authorityOf(a));
  try {
    const untrusted = await reexport(a, fresh.token, b);
    expect(await at(b, untrusted)).toMatchObject({ status: 502, json: { code: "target_unreachable" } });
  } finally {
    cas.set(authorityOf(a), ca);
  }
  expect(await at(b, foreign)).toMatchObject({ status: 200 });
});

test.each(["a.test", "a.test:443", "A.Test", "alias.test", "alias.test:443", "other.test"])(
  "%s is this service: a re-export from it sends no request",
  async (name) => {
    const { token, revoke } = await exportTarget(a, { uri: target.url });
    const own = await exportTarget(a, { capability: uriAt(name, token) });
    const response = await at(a, own.token);
    expect(response.status).toBe(200);
    expect(target.requests.at(-1)!.headers.via).not.toContain(",");
    await at(a, revoke);
    expect((await at(a, own.token)).status).toBe(401);
  },
);

test.each(["169.254.169.254", "10.0.0.1", "[::1]", "127.0.0.1:PORT"])(
  "a re-export from %s is a 400 that names the capability, since connections to it are not allowed",
  async (name) => {
    const body = { capability: uriAt(name.replace("PORT", String(b.port)), b.tokens.create) };
    const membrane = await at(b, b.tokens.create, { body: { id: name } });
    const response = await at(b, tokenOf(membrane.json.capabilities.export), { body });
    expect(response.status).toBe(400);
    expect(response.json.message).toContain("capability");
  },
);

test.each(["inside.test", "metadata.test"])("%s resolves to a forbidden address: 502", async (name) => {
  const { token } = await exportTarget(b, { capability: uriAt(name, a.tokens.create) });
  const response = await at(b, token);
  expect(response).toMatchObject({ status: 502, json: { code: "target_forbidden" } });
  expect(response.headers["proxy-status"]).toBe("membrane; error=http_request_denied");
  expect(JSON.stringify([response.headers, response.text])).not.toContain(name);
});

test("a request that goes back and forth between two authorities ends with 508", async () => {
  let { token } = await exportTarget(a, { uri: target.url });
  let last = a;
  const statuses: number[] = [];
  for (let hop = 0; hop < 20; hop += 1) {
    const next = last === a ? b : a;
    token = await reexport(last, token, next);
    last = next;
    statuses.push((await at(last, token)).status);
  }
  expect(new Set(statuses)).toEqual(new Set([200, 508]));
  expect(statuses.lastIndexOf(200)).toBeLessThan(statuses.indexOf(508));
});

import { expect, test } from "vitest";
import { call } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { openLmdbEngine } from "../store/lmdb/engine.ts";
import type { StoreCondition } from "../store/store.ts";
import { StoreCorruptError } from "../store/store.ts";
import { findPublicRoute } from "./routes.ts";

test.each([
  ["GET", "/healthz"],
  ["HEAD", "/healthz"],
  ["GET", "/readyz"],
  ["HEAD", "/readyz"],
  ["OPTIONS", "/"],
  ["OPTIONS", "/any/path"],
  ["GET", "/.well-known/oauth-protected-resource"],
  ["GET", "/.well-known/oauth-protected-resource/mcp"],
  ["GET", "/.well-known/oauth-authorization-server"],
  ["GET", "/.well-known/oauth-authorization-server/a/b"],
  ["GET", "/.well-known/openid-configuration"],
  ["HEAD", "/.well-known/openid-configuration/"],
])("%s %s is public", (method, path) => {
  expect(findPublicRoute({ method, path })).toBeDefined();
});

test.each([
  ["POST", "/healthz"],
  ["POST", "/readyz"],
  ["GET", "/healthz/"],
  ["GET", "/Healthz"],
  ["GET", "/"],
  ["get", "/healthz"],
  ["options", "/"],
  ["POST", "/.well-known/openid-configuration"],
  ["GET", "/.well-known/"],
  ["GET", "/.well-known/oauth-protected-resource2"],
  ["GET", "/.well-known/other"],
  ["GET", "/mcp/.well-known/openid-configuration"],
])("%s %s needs a capability", (method, path) => {
  expect(findPublicRoute({ method, path })).toBeUndefined();
});

test("a public route never counts as a failed authorization, and still responds when its client has had too many", async () => {
  await using service = await startTestService({ limits: { maxAuthFailuresPerMinute: 1 } });
  const statusOf = async (method: string, path: string, token?: string): Promise<number> =>
    (await call(service, token, { method, path })).status;
  for (let i = 0; i < 5; i += 1) {
    expect(await statusOf("GET", "/healthz")).toBe(200);
    expect(await statusOf("OPTIONS", "/x")).toBe(204);
    expect(await statusOf("GET", "/.well-known/oauth-protected-resource/mcp")).toBe(404);
  }
  expect(await statusOf("POST", "/healthz")).toBe(401);
  expect(await statusOf("POST", "/healthz")).toBe(429);
  expect(await statusOf("GET", "/healthz")).toBe(200);
  expect(await statusOf("OPTIONS", "/x")).toBe(204);
});

test("/readyz says whether the service knows what was revoked, and /healthz whether it runs", async () => {
  let isKnown = true;
  await using service = await startTestService({
    engine: async (options) => {
      const engine = await openLmdbEngine(options);
      return { ...engine, position: () => (isKnown ? engine.position() : undefined) };
    },
  });
  const get = (path: string) => call(service, undefined, { path });
  expect(await get("/readyz")).toMatchObject({ status: 200, json: { status: "ready" } });
  isKnown = false;
  expect(await get("/readyz")).toMatchObject({ status: 503, json: { code: "store_unavailable" } });
  expect((await get("/healthz")).status).toBe(200);
  isKnown = true;
  expect((await get("/readyz")).status).toBe(200);
});

test("/readyz of a store that is full is a 200, since it still invokes and revokes, and that of one that fails is a 503", async () => {
  let report: ((condition: StoreCondition) => void) | undefined;
  await using service = await startTestService({
    engine: (options) => {
      ({ report } = options);
      return openLmdbEngine(options);
    },
  });
  const get = () => call(service, undefined, { path: "/readyz" });
  report!({ state: "full", cause: "ENOSPC" });
  expect((await get()).status).toBe(200);
  report!({ state: "failed", cause: "EIO" });
  expect(await get()).toMatchObject({ status: 503, json: { code: "store_failed" } });
  report!({ state: "writable" });
  expect((await get()).status).toBe(200);
});

test("/readyz of a store that cannot be read is a 503, and no fault", async () => {
  let isDamaged = false;
  await using service = await startTestService({
    engine: async (options) => {
      const engine = await openLmdbEngine(options);
      const position: typeof engine.position = () => {
        if (isDamaged) throw new StoreCorruptError("the head is damaged");
        return engine.position();
      };
      return { ...engine, position };
    },
  });
  isDamaged = true;
  const { status, json } = await call(service, undefined, { path: "/readyz" });
  expect([status, json.code]).toEqual([503, "store_unavailable"]);
  expect(service.logged()).not.toContain('"fault"');
  isDamaged = false;
});

test("/readyz is a 503 once the service stops, on a connection that was open before", async () => {
  let finish = (): void => undefined;
  await using target = await startTarget((_request, response) => {
    response.write("begun");
    finish = () => void response.end();
  });
  await using service = await startTestService();
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token) + requestHead(undefined, { line: "GET /readyz HTTP/1.1" }));
  await connection.until((received) => received.includes("begun"));
  const closed = service.close();
  finish();
  await connection.until((received) => received.includes("service_stopping"));
  await closed;
});

test("a request with a token is an invocation, though its method and path are those of a public route", async () => {
  await using service = await startTestService();
  const { token } = await exportTarget(service, { uri: "http://127.0.0.1:1/" });
  expect((await call(service, token, { path: "/healthz" })).status).toBe(404);
  expect((await call(service, "CPBLTY1-junk", { path: "/healthz" })).status).toBe(401);
});

test.each([
  "/.well-known/oauth-protected-resource",
  "/.well-known/oauth-protected-resource/mcp",
  "/.well-known/oauth-authorization-server",
  "/.well-known/openid-configuration/a",
])(
  "where MCP clients look for an authorization server, %s, there is a 404, whatever their token",
  async (path) => {
    await using service = await startTestService();
    await using target = await startTarget();
    const { token } = await exportTarget(service, { uri: target.url, allowPath: true });
    const response = await call(service, undefined, { path });
    expect(response).toMatchObject({ status: 404, json: { statusCode: 404, code: "no_oauth" } });
    expect(response.headers).toMatchObject({
      "cache-control": "no-store",
      "access-control-allow-origin": "*",
    });
    for (const headers of [
      { authorization: `Bearer ${token}` },
      { "x-api-key": token },
      { authorization: "Bearer x" },
      { authorization: "" },
    ])
      expect((await call(service, undefined, { path, headers })).json).toEqual(response.json);
    expect(target.requests).toEqual([]);
    expect((await call(service, token, { path, method: "POST" })).status).toBe(200);
    expect((await call(service, "CPBLTY1-junk", { path: "/mcp" })).headers["www-authenticate"]).not.toContain(
      "resource_metadata",
    );
  },
);

test("a target whose own URI is such a path is reached at the root", async () => {
  await using service = await startTestService();
  await using target = await startTarget();
  const uri = new URL(".well-known/openid-configuration", target.url).href;
  const { token } = await exportTarget(service, { uri });
  expect((await call(service, token, { method: "GET" })).status).toBe(200);
  expect(target.requests[0]?.url).toBe("/.well-known/openid-configuration");
});

import { expect, test } from "vitest";
import { call } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { findPublicRoute } from "./routes.ts";

test.each([
  ["GET", "/healthz"],
  ["HEAD", "/healthz"],
  ["OPTIONS", "/"],
  ["OPTIONS", "/any/path"],
])("%s %s is public", (method, path) => {
  expect(findPublicRoute({ method, path })).toBeDefined();
});

test.each([
  ["POST", "/healthz"],
  ["GET", "/healthz/"],
  ["GET", "/Healthz"],
  ["GET", "/"],
  ["get", "/healthz"],
  ["options", "/"],
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
  }
  expect(await statusOf("POST", "/healthz")).toBe(401);
  expect(await statusOf("POST", "/healthz")).toBe(429);
  expect(await statusOf("GET", "/healthz")).toBe(200);
  expect(await statusOf("OPTIONS", "/x")).toBe(204);
});

test("a request with a token is an invocation, though its method and path are those of a public route", async () => {
  await using service = await startTestService();
  const { token } = await exportTarget(service, { uri: "http://127.0.0.1:1/" });
  expect((await call(service, token, { path: "/healthz" })).status).toBe(404);
  expect((await call(service, "CPBLTY1-junk", { path: "/healthz" })).status).toBe(401);
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { createStubListener } from "../../../testkit/src/stub-http.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";

/* The whole service on a listener without sockets: only the adapter of the listener port depends on Node's server. */

const stub = createStubListener();
let service: TestService;
beforeAll(async () => {
  service = await startTestService({ listenHttp: stub.listenHttp });
});
afterAll(() => service.close());

test.each([
  ["a public route", { url: "/healthz" }, 200],
  ["a preflight request", { method: "OPTIONS" }, 204],
  ["a request without a token", {}, 401],
  ["a request with two Host lines", { headers: ["Host", "other.test"] }, 400],
])("%s has the same response without sockets", async (_what, head, status) => {
  expect((await stub.request(head)).status).toBe(status);
});

test("a management operation runs without sockets", async () => {
  const response = await stub.request({ headers: ["Authorization", `Bearer ${service.tokens.query}`] });
  expect([response.status, response.isAborted]).toEqual([200, false]);
  expect(JSON.parse(response.body)).toBeTypeOf("object");
});

import { once } from "node:events";
import type { IncomingMessage, Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Writable } from "node:stream";
import { afterEach, expect, test } from "vitest";
import { createEventLog } from "../telemetry/events.ts";
import { createLogger } from "../telemetry/logger.ts";
import { StoreBusyError } from "../store/store.ts";
import { call, createMembrane } from "../../../testkit/src/client.ts";
import type { CallResponse } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { NodeResponse } from "../http1/node/response.ts";
import { createAuthFailureLimiter } from "./auth-failure-limiter.ts";
import { RequestCounts } from "./request-counts.ts";
import type { RouterContext } from "./router.ts";
import { route } from "./router.ts";

const TOKEN = `CPBLTY1-${"A".repeat(86)}`;
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SECRET = "a message that other people's code wrote";

let server: Server<typeof IncomingMessage, typeof NodeResponse> | undefined;
afterEach(() => server?.close());

/** Routes one request while the store fails with `error`. */
async function whileFailing(error: Error): Promise<CallResponse & { readonly logged: string }> {
  let logged = "";
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged += chunk.toString("utf8");
      done();
    },
  });
  const resolving = {
    feed: {
      refresh: async () => {
        throw error;
      },
    },
  } as unknown as RouterContext["resolveContext"];
  const log = createEventLog(createLogger("debug", sink));
  const failures = createAuthFailureLimiter(1, () => 0);
  const context = {
    resolveContext: resolving,
    invocationContext: { ticker: { now: () => 0 } },
    counts: new RequestCounts(),
    log,
    authFailures: failures,
    isHost: () => true,
    isOwn: () => false,
    isBelowOwn: () => false,
    trustedProxies: [],
    newRequestId: () => "request-1",
  } as unknown as RouterContext;
  server = createServer(
    { ServerResponse: NodeResponse },
    (request, response) => void route(context, { request, response }),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const headers = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` };
  return { ...(await call({ url: `http://127.0.0.1:${port}` }, TOKEN, { headers })), logged };
}

test("a fault is a 500 without details; the log has its place in the code and not its message", async () => {
  const response = await whileFailing(new RangeError(SECRET));
  expect(response).toMatchObject({ status: 500, json: { code: "internal_error" } });
  expect(JSON.stringify(response)).not.toContain(SECRET);
  expect(response.logged).toContain("RangeError");
  expect(response.logged).toContain(`"requestId":"request-1","traceId":"${TRACE}"`);
  expect(response.headers["x-request-id"]).toBe("request-1");
  expect(response.logged).toContain("router.test.ts");
});

test("a busy store is a 503 with Retry-After, and is not logged as a fault", async () => {
  const response = await whileFailing(new StoreBusyError(SECRET));
  expect(response).toMatchObject({ status: 503, json: { code: "store_unavailable" } });
  expect(response.headers["retry-after"]).toBe("1");
  expect(JSON.stringify(response)).not.toContain(SECRET);
  expect(response.logged).not.toContain('"fault"');
});

test("requests are checked in one order: head, token, upgrade, expectation, path, method", async () => {
  await using service = await startTestService();
  const { token } = await exportTarget(service, { uri: "http://127.0.0.1:1/" });
  const membrane = await createMembrane(service, service.tokens.create, "order");
  const wrong = ["Upgrade: x", "Expect: foo"];
  const rows: readonly (readonly [string | undefined, string, readonly string[], number])[] = [
    [undefined, "TRACE /x HTTP/1.1", [...wrong, "Host: two"], 400],
    [undefined, "TRACE /x HTTP/1.1", wrong, 401],
    [TOKEN, "TRACE /x HTTP/1.1", wrong, 401],
    ...[token, membrane.export].flatMap((token) => [
      [token, "TRACE /x HTTP/1.1", wrong, 501] as const,
      [token, "TRACE /x HTTP/1.1", wrong.slice(1), 417] as const,
      [token, "TRACE /x HTTP/1.1", [], 404] as const,
      [token, "TRACE / HTTP/1.1", [], 405] as const,
    ]),
  ];
  for (const [token, line, headers, status] of rows) {
    await using connection = await openRawConnection(service.port);
    connection.send(requestHead(token, { line, headers }));
    expect([line, headers, (await nextResponse(connection)).status]).toEqual([line, headers, status]);
  }
});

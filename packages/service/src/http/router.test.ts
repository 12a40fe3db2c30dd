import { once } from "node:events";
import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Writable } from "node:stream";
import { pino } from "pino";
import { afterEach, expect, test } from "vitest";
import { createAuditLog } from "../audit/log.ts";
import { StoreBusyError } from "../store/store.ts";
import { call, createMembrane } from "../testkit/client.ts";
import type { CallAnswer } from "../testkit/client.ts";
import { openDoor } from "../testkit/door.ts";
import { startTestService } from "../testkit/service.ts";
import { nextAnswer, openWire, requestHead } from "../testkit/wire.ts";
import { createFailedAuthorizations } from "./failed-authorizations.ts";
import type { RouterContext } from "./router.ts";
import { route } from "./router.ts";

const TOKEN = `CPBLTY1-${"A".repeat(86)}`;
const SECRET = "a message that other people's code wrote";

let server: Server | undefined;
afterEach(() => server?.close());

/** Routes one request while the store fails with `error`. */
async function whileFailing(error: Error): Promise<CallAnswer & { readonly logged: string }> {
  let logged = "";
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged += chunk.toString("utf8");
      done();
    },
  });
  const resolving = {
    feed: {
      advance: async () => {
        throw error;
      },
    },
  } as unknown as RouterContext["resolving"];
  const log = createAuditLog(pino({ level: "debug" }, sink));
  const failures = createFailedAuthorizations(1, () => 0);
  const context = { resolving, log, failures, isOwn: () => false } as unknown as RouterContext;
  server = createServer((request, response) => void route(context, { request, response }));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { ...(await call({ url: `http://127.0.0.1:${port}` }, TOKEN)), logged };
}

test("a fault is a 500 that says nothing; the log has where it happened and not the message", async () => {
  const answer = await whileFailing(new RangeError(SECRET));
  expect(answer).toMatchObject({ status: 500, json: { code: "internal" } });
  expect(JSON.stringify(answer)).not.toContain(SECRET);
  expect(answer.logged).toContain("RangeError");
  expect(answer.logged).toContain("router.test.ts");
});

test("a busy store is a 503 that says when to come again, and no fault", async () => {
  const answer = await whileFailing(new StoreBusyError(SECRET));
  expect(answer).toMatchObject({ status: 503, json: { code: "store_busy" } });
  expect(answer.headers["retry-after"]).toBe("1");
  expect(JSON.stringify(answer)).not.toContain(SECRET);
  expect(answer.logged).not.toContain('"fault"');
});

test("what is wrong is judged in one order: head, token, upgrade, expectation, path, method", async () => {
  await using service = await startTestService();
  const { door } = await openDoor(service, { uri: "http://127.0.0.1:1/" });
  const membrane = await createMembrane(service, service.tokens.create, "order");
  const wrong = ["Upgrade: x", "Expect: foo"];
  const rows: readonly (readonly [string | undefined, string, readonly string[], number])[] = [
    [undefined, "TRACE /x HTTP/1.1", [...wrong, "Host: two"], 400],
    [undefined, "TRACE /x HTTP/1.1", wrong, 401],
    [TOKEN, "TRACE /x HTTP/1.1", wrong, 401],
    ...[door, membrane.export].flatMap((token) => [
      [token, "TRACE /x HTTP/1.1", wrong, 501] as const,
      [token, "TRACE /x HTTP/1.1", wrong.slice(1), 417] as const,
      [token, "TRACE /x HTTP/1.1", [], 404] as const,
      [token, "TRACE / HTTP/1.1", [], 405] as const,
    ]),
  ];
  for (const [token, line, headers, status] of rows) {
    await using wire = await openWire(service.port);
    wire.send(requestHead(token, { line, headers }));
    expect([line, headers, (await nextAnswer(wire)).status]).toEqual([line, headers, status]);
  }
});

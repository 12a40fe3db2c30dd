import { formatToken, TOKEN_BYTES } from "capability-protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CallOptions, CallResponse } from "../../../testkit/src/client.ts";
import { call, createMembrane, expectStatus, exportThrough, uriOf } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { OK_RESPONSE } from "../../../testkit/src/raw-responder.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startRawTarget, startTarget } from "../../../testkit/src/target.ts";

const CALLERS = 200;
const UNKNOWN = formatToken(Buffer.alloc(TOKEN_BYTES, 1));
const MADE_AT = Date.UTC(2026, 0, 1);

let service: TestService;
let target: TestTarget;
let time = MADE_AT;
beforeAll(async () => {
  service = await startTestService({ limits: { maxAuthFailuresPerMinute: 3 }, now: () => new Date(time) });
  target = await startTarget();
});
afterAll(async () => {
  await service.close();
  await target[Symbol.asyncDispose]();
});

/** Exports the target with limits through a new membrane. */
const exportLimited = (limits: object, body: object = {}) =>
  exportTarget(service, { uri: target.url, ...body, limits });

const reexport = (token: string, through: string, limits: object = {}): Promise<string> =>
  exportThrough(service, through, { capability: uriOf(service, token), limits });

async function statuses(token: string, count: number, options: CallOptions = {}): Promise<number[]> {
  const found: number[] = [];
  for (let i = 0; i < count; i += 1) found.push((await call(service, token, options)).status);
  return found;
}

function countOf(responses: readonly CallResponse[], status: number): number {
  return responses.filter((response) => response.status === status).length;
}

test("of 200 requests at once as many are admitted as there may be, and the rest gets the 401 of an unknown token", async () => {
  const before = target.requests.length;
  const { token } = await exportLimited({ maxUses: 77 });
  const responses = await Promise.all(Array.from({ length: CALLERS }, () => call(service, token)));
  expect(countOf(responses, 200)).toBe(77);
  expect(countOf(responses, 401)).toBe(CALLERS - 77);
  expect(target.requests).toHaveLength(before + 77);
  const unknown = await call(service, UNKNOWN);
  const refused = await call(service, token);
  const { date: _, "x-request-id": __, ...rest } = unknown.headers;
  expect(refused).toMatchObject({ status: 401, text: unknown.text, headers: rest });
});

test("what is used up is no failed authorization, however often it is tried, and says nothing of the request", async () => {
  const { token } = await exportLimited({ maxUses: 1 });
  expect(await statuses(token, 1)).toEqual([200]);
  expect(await statuses(token, 9)).toEqual(Array.from({ length: 9 }, () => 401));
  const wrong = [
    { path: "/elsewhere" },
    { method: "TRACE" },
    { headers: { "membrane-operation": "revoke" } },
  ];
  for (const options of wrong) expect((await call(service, token, options)).status).toBe(401);
  const { token: other } = await exportTarget(service, { uri: target.url });
  expect((await call(service, other)).status).toBe(200);
});

test("for an address with too many failed authorizations what is used up looks like an unknown token, and what is not still works", async () => {
  await using blocking = await startTestService({ limits: { maxAuthFailuresPerMinute: 1 } });
  const [usedUp, other] = [
    await exportTarget(blocking, { uri: target.url, limits: { maxUses: 1 } }),
    await exportTarget(blocking, { uri: target.url, limits: { maxUses: 2 } }),
  ];
  for (const { token } of [usedUp, other]) expect((await call(blocking, token)).status).toBe(200);
  for (let i = 0; i < 3; i += 1) await call(blocking, UNKNOWN);
  const unknown = await call(blocking, UNKNOWN);
  expect(unknown).toMatchObject({ status: 429, json: { code: "too_many_auth_failures" } });
  expect((await call(blocking, usedUp.token)).json).toEqual(unknown.json);
  expect((await call(blocking, other.token)).status).toBe(200);
});

test("every method counts, HEAD and OPTIONS with a token too", async () => {
  const { token } = await exportLimited({ maxUses: 3 });
  for (const method of ["HEAD", "OPTIONS", "POST"]) {
    expect((await call(service, token, { method })).status).toBe(200);
  }
  expect(await statuses(token, 1, { method: "HEAD" })).toEqual([401]);
});

test("a request that is refused, or whose target cannot be connected to, is not counted", async () => {
  const { token } = await exportLimited({ maxUses: 1 });
  expect(await statuses(token, 3, { path: "/elsewhere" })).toEqual([404, 404, 404]);
  expect(await statuses(token, 2, { headers: { "membrane-operation": "revoke" } })).toEqual([400, 400]);
  expect(await statuses(token, 1)).toEqual([200]);
  const closed = await startTarget();
  await closed[Symbol.asyncDispose]();
  const unreachable = await exportLimited({ maxUses: 1 }, { uri: closed.url });
  expect(await statuses(unreachable.token, 3)).toEqual([502, 502, 502]);
});

test("a request that its target refuses or aborts is counted", async () => {
  await using broken = await startRawTarget((socket) => void socket.once("data", () => socket.destroy()));
  const { token } = await exportLimited({ maxUses: 1 }, { uri: broken.url });
  expect(await statuses(token, 2, { method: "POST" })).toEqual([502, 401]);
});

test("windows begin with the export, and their refusal says when the next one begins", async () => {
  time = MADE_AT;
  const { token } = await exportLimited({ maxUses: 2, maxUsesEveryMs: 60_000 });
  time = MADE_AT + 59_001;
  expect(await statuses(token, 2)).toEqual([200, 200]);
  const refused = await call(service, token);
  expect(refused).toMatchObject({ status: 429, json: { code: "quota_exhausted" } });
  expect(refused.headers).toMatchObject({
    "retry-after": "1",
    "proxy-status": "membrane; error=http_request_denied",
  });
  time = MADE_AT + 60_000;
  expect(await statuses(token, 3)).toEqual([200, 200, 429]);
  // What else is wrong with a request is said before that it came too early.
  expect(await statuses(token, 1, { path: "/elsewhere" })).toEqual([404]);
});

test("a clock that jumps opens no window twice", async () => {
  time = MADE_AT;
  const { token } = await exportLimited({ maxUses: 2, maxUsesEveryMs: 60_000 });
  let admitted = 0;
  const windows = new Set<number>();
  for (const minutes of [0, 5, 3, 0, -9, 5, 6, 2, 6, 100, 7, 100, 99, 101]) {
    time = MADE_AT + minutes * 60_000;
    windows.add(minutes);
    admitted += (await statuses(token, 3)).filter((status) => status === 200).length;
  }
  // Windows 0, 5, 6, 100 and 101: the others are earlier than one that was used before.
  expect(admitted).toBe(2 * 5);
});

test("a use of a re-export is counted on all that it re-exports, and siblings share what their parent has", async () => {
  time = MADE_AT;
  const { token, export: through } = await exportLimited({ maxUses: 5 });
  const [first, second] = [await reexport(token, through, { maxUses: 3 }), await reexport(token, through)];
  const grandchild = await reexport(first, through, { maxUses: 9, maxUsesEveryMs: 1_000 });
  expect(await statuses(grandchild, 1)).toEqual([200]);
  expect(await statuses(first, 3)).toEqual([200, 200, 401]);
  expect(await statuses(grandchild, 1)).toEqual([401]);
  expect(await statuses(second, 3)).toEqual([200, 200, 401]);
  expect(await statuses(token, 1)).toEqual([401]);
});

test("a use that the parent's window refuses is not counted on the child", async () => {
  time = MADE_AT;
  const { token, export: through } = await exportLimited({ maxUses: 1, maxUsesEveryMs: 60_000 });
  const child = await reexport(token, through, { maxUses: 2 });
  expect(await statuses(child, 4)).toEqual([200, 429, 429, 429]);
  time += 60_000;
  expect(await statuses(child, 2)).toEqual([200, 401]);
});

test("a request that is sent once more on another connection is counted once", async () => {
  let turns = 0;
  await using closing = await startRawTarget((socket) => {
    let turn = 0;
    socket.on("data", () => {
      turns += 1;
      turn += 1;
      if (turn === 1) socket.write(OK_RESPONSE);
      else socket.end();
    });
  });
  const { token } = await exportLimited({ maxUses: 3 }, { uri: closing.url });
  const request = async (): Promise<number> => {
    await using connection = await openRawConnection(service.port);
    connection.send(requestHead(token));
    return (await nextResponse(connection)).status;
  };
  expect([await request(), await request(), await request(), await request()]).toEqual([200, 200, 200, 401]);
  expect(turns).toBe(5);
});

test("each service capability counts what it does, and a 4xx is not counted", async () => {
  const { export: through } = await exportTarget(service, { uri: target.url });
  const limits = { maxUses: 2 };
  const create = await reexport(service.tokens.create, through, limits);
  const create_ = (id: string) => call(service, create, { body: { id } });
  await createMembrane(service, service.tokens.create, "taken");
  expect((await create_("taken")).status).toBe(409);
  expect((await call(service, create, { body: { wrong: 1 } })).status).toBe(400);
  expect((await create_("one")).status).toBe(201);
  expect((await create_("two")).status).toBe(201);
  expect((await create_("three")).status).toBe(401);
  expect((await create_("taken")).status).toBe(401);

  const own = await createMembrane(service, service.tokens.create, "own");
  const exporting = await reexport(own.export, through, limits);
  const export_ = (body: object) => call(service, exporting, { body });
  expect((await export_({ uri: "nothing" })).status).toBe(400);
  expect((await export_({ capability: uriOf(service, UNKNOWN) })).status).toBe(400);
  expect((await export_({ uri: target.url })).status).toBe(201);
  expect((await export_({ capability: uriOf(service, exporting) })).status).toBe(201);
  expect((await export_({ uri: target.url })).status).toBe(401);

  const query = await reexport(service.tokens.query, through, limits);
  const query_ = (path: string) => call(service, query, { path });
  expect((await query_("/?limit=0")).status).toBe(400);
  expect((await query_("/?limit=9")).status).toBe(200);
  expect((await query_("/")).status).toBe(200);
  expect((await query_("/")).status).toBe(401);

  const provision = await reexport(service.tokens.provision, through, { maxUses: 1 });
  const provision_ = (id: string) => call(service, provision, { body: { id } });
  expect((await provision_("default")).status).toBe(409);
  expect((await provision_("new")).status).toBe(201);
  expect((await provision_("newer")).status).toBe(401);
});

test("racing creations with one counter create exactly as many as there may be", async () => {
  const { export: through } = await exportTarget(service, { uri: target.url });
  const create = await reexport(service.tokens.create, through, { maxUses: 7 });
  const responses = await Promise.all(
    Array.from({ length: 30 }, (_, i) => call(service, create, { body: { id: `racing ${i}` } })),
  );
  expect([countOf(responses, 201), countOf(responses, 401)]).toEqual([7, 23]);
  const listed = expectStatus(await call(service, service.tokens.query, { path: "/?limit=1000" }), 200);
  const ids = listed.json.membranes.map(({ id }: { readonly id: string }) => id);
  expect(ids.filter((id: string) => id.startsWith("racing"))).toHaveLength(7);
});

test("a window of a service capability is a 429 that creates nothing", async () => {
  time = MADE_AT;
  const { export: through } = await exportTarget(service, { uri: target.url });
  const create = await reexport(service.tokens.create, through, { maxUses: 1, maxUsesEveryMs: 3_600_000 });
  const create_ = (id: string) => call(service, create, { body: { id } });
  expect((await create_("first")).status).toBe(201);
  const refused = await create_("second");
  expect(refused).toMatchObject({ status: 429, json: { code: "quota_exhausted" } });
  expect(refused.headers["retry-after"]).toBe("3600");
  time += 3_600_000;
  expect((await create_("second")).status).toBe(201);
});

test("a revoke capability counts nothing, so that a repeated revoke has the same response", async () => {
  const { export: through, revoke } = await exportTarget(service, { uri: target.url });
  const body = { capability: uriOf(service, revoke), limits: { maxUses: 1 } };
  const refused = await call(service, through, { body });
  expect(refused).toMatchObject({ status: 400, json: { code: "invalid_field" } });
  expect(refused.json.message).toContain("limits.maxUses");
});

import { randomUUID } from "node:crypto";
import { readFile, rename, stat, symlink, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseToken } from "capability-protocol";
import { Agent } from "undici";
import { expect, test } from "vitest";
import type { AuditLine } from "../../../testkit/src/audit-trail.ts";
import { readTrail, verifyTrail } from "../../../testkit/src/audit-trail.ts";
import {
  call,
  createMembrane,
  expectStatus,
  exportThrough,
  tokenOf,
  uriOf,
} from "../../../testkit/src/client.ts";
import type { TestService, TestServiceOptions } from "../../../testkit/src/service.ts";
import { asTestOperator, startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { until } from "../../../testkit/src/until.ts";
import type { Uid } from "../../src/domain/uid.ts";
import { OPERATIONS } from "../../src/management/operations.ts";
import { reissueTenant } from "../../src/management/tenants.ts";
import { fingerprint } from "../../src/telemetry/fingerprint.ts";
import { openStream, startEndlessTarget } from "../support/open-stream.ts";
import { expectNothingIn, formsOf } from "../support/secret-forms.ts";

const RULES = { isRequired: false, invocationShare: 0 };

/** A service with an audit trail, and what is in it. */
async function audited(options: Partial<TestServiceOptions> & { readonly share?: number } = {}) {
  const directory = await temporaryDirectory();
  const file = join(directory.path, "audit.log");
  const { share = 0, ...others } = options;
  const data = join(directory.path, "data");
  const audit = { file, ...RULES, invocationShare: share, ...others.audit };
  const service = await startTestService({ ...others, directory: data, audit });
  return {
    service,
    file,
    data,
    directory,
    lines: async (event?: string) => {
      const lines = await readTrail(file);
      return event === undefined ? lines : lines.filter((line) => line.event === event);
    },
    /** Waits for a line of this kind. */
    async awaitLine(event: string, holds: (line: AuditLine) => boolean = () => true): Promise<AuditLine> {
      let found: AuditLine | undefined;
      await until(`the trail has a line ${event}`, async () => {
        found = (await readTrail(file)).find((line) => line.event === event && holds(line));
        return found !== undefined;
      });
      return found!;
    },
    async [Symbol.asyncDispose]() {
      await service.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

async function uidOf(service: TestService, token: string): Promise<Uid> {
  return (await service.data.vault.open(parseToken(token)!))!.capability.uid;
}

/** The two lines of the latest change. */
async function lastChange(lines: readonly AuditLine[]): Promise<readonly [AuditLine, AuditLine]> {
  const end = lines.findLast(({ event }) => event === "end")!;
  const begin = lines.find(
    ({ event, change, writer }) => event === "begin" && change === end["change"] && writer === end["writer"],
  )!;
  return [begin, end];
}

test("every operation of the service has two lines that say who did what, when, and how it ended", async () => {
  await using trail = await audited({ trustedProxies: ["127.0.0.1/32"] });
  const { service } = trail;
  const { tokens } = service;
  const traceparent = `00-${"a1".repeat(16)}-${"b2".repeat(8)}-01`;
  const seen = new Set<string>();
  const change = async (action: string, token: string, body: object | undefined, status: number) => {
    const uid = await uidOf(service, token);
    const requestId = randomUUID();
    const headers = { traceparent, "X-Request-Id": requestId, "X-Forwarded-For": "2001:db8:0:0::7" };
    const response = await call(service, token, { headers, ...(body === undefined ? {} : { body }) });
    expectStatus(response, status);
    service.data.audit!.writer.flush();
    const [begin, end] = await lastChange(await trail.lines());
    expect(begin).toMatchObject({
      action,
      request: requestId,
      capability: fingerprint(uid),
      client: "2001:db8::7",
      method: body === undefined ? "GET" : "POST",
      traceparent,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      key: 1,
    });
    expect(begin["lineage"]).toContain(fingerprint(uid));
    expect(end).toMatchObject({ action, outcome: "done", status });
    expect(end["durationMs"]).toBeGreaterThanOrEqual(0);
    seen.add(action);
    return { response, begin };
  };

  const { response: made } = await change("provision", tokens.provision, { id: "other" }, 201);
  const { response: membrane, begin } = await change("create", tokens.create, { id: "m" }, 201);
  const { export: exporting, revoke } = membrane.json.capabilities;
  expect(begin["created"]).toEqual(
    await Promise.all(
      [exporting, revoke].map(async (uri) => fingerprint(await uidOf(service, tokenOf(uri)))),
    ),
  );
  const { response: target } = await change(
    "export",
    tokenOf(exporting),
    { uri: "https://target.test/" },
    201,
  );
  const source = tokenOf(target.json.capability);
  const { begin: exported } = await change(
    "re-export",
    tokenOf(exporting),
    { capability: uriOf(service, source) },
    201,
  );
  // What was exported names the membrane that it went through.
  expect(exported["membrane"]).toBe(begin["membrane"]);
  await change("query", tokens.query, undefined, 200);
  const delegated = await exportThrough(service, tokenOf(exporting), {
    capability: uriOf(service, tokens.query),
  });
  await change("query", delegated, undefined, 200);
  await change("revoke", tokenOf(revoke), undefined, 202);
  await change("delete", tokenOf(made.json.capabilities.deleteSelf), undefined, 202);
  // A change by the operator is of no request.
  expect(await reissueTenant(asTestOperator(service.data), "default")).toMatchObject({ ok: true });
  service.data.audit!.writer.flush();
  const [rekey, done] = await lastChange(await trail.lines());
  expect(rekey).toMatchObject({ action: "rekey", command: "test", tenant: expect.any(String) });
  expect(done).toMatchObject({ action: "rekey", outcome: "done" });
  expect([...seen].toSorted()).toEqual([
    "create",
    "delete",
    "export",
    "provision",
    "query",
    "re-export",
    "revoke",
  ]);
  expect(Object.keys(OPERATIONS).length).toBe(6);

  await trail.awaitLine("swept", (line) => line["deleted"] > 0);
  await until("all lines are written", () => service.data.audit!.writer.flush());
  expect(await verifyTrail(service.data, trail.file)).toMatchObject({
    problems: [],
    unknownWriters: 0,
    torn: [],
  });
});

test("a change that is refused has an end that says so, and so has each refusal of authorization", async () => {
  await using trail = await audited();
  const { service } = trail;
  await using target = await startTarget();
  const membrane = await createMembrane(service, service.tokens.create, "m");
  expectStatus(await call(service, service.tokens.create, { body: { id: "m" } }), 409);
  service.data.audit!.writer.flush();
  expect((await lastChange(await trail.lines()))[1]).toMatchObject({
    outcome: "denied",
    reason: "membrane_exists",
    status: 409,
  });

  const body = { uri: target.url, allowPath: true, limits: { paths: ["/a"] } };
  const token = await exportThrough(service, membrane.export, body);
  expectStatus(await call(service, token, { path: "/b" }), 403);
  expectStatus(await call(service, undefined), 401);
  expectStatus(await call(service, token, { headers: { "Membrane-Operation": "revoke" } }), 400);
  service.data.audit!.writer.flush();
  const capability = fingerprint(await uidOf(service, token));
  expect(await trail.lines("refused")).toMatchObject([
    { reason: "path_not_allowed", status: 403, capability, client: "127.0.0.1", method: "GET" },
    { reason: "unauthorized", status: 401, client: "127.0.0.1", method: "GET" },
    { reason: "wrong_capability", status: 400, capability },
  ]);
  // A 404 of a public route, and an invocation that is not sampled, have none.
  await call(service, token, { path: "/a" });
  expect(await trail.lines("invoked")).toEqual([]);
});

test("of more refusals than the limit in a minute, the number is recorded", async () => {
  await using trail = await audited({ limits: { maxAuditedRefusalsPerMinute: 2 } });
  for (let count = 0; count < 5; count += 1) expectStatus(await call(trail.service, undefined), 401);
  await trail.service.close();
  expect(await trail.lines("refused")).toHaveLength(2);
  expect(await trail.lines("refusals-left-out")).toMatchObject([{ count: 3 }]);
});

test("what a revoke has cut is recorded, by count", async () => {
  await using trail = await audited();
  const { service } = trail;
  await using target = await startEndlessTarget();
  const agent = new Agent();
  const membrane = await createMembrane(service, service.tokens.create, "m");
  const token = await exportThrough(service, membrane.export, { uri: target.url });
  const streams = [await openStream(service, token, agent), await openStream(service, token, agent)];
  expectStatus(await call(service, membrane.revoke), 202);
  for (const stream of streams) await stream.aborted();
  const cut = await trail.awaitLine("cut", (line) => line["revoked"] !== "everything");
  const begin = (await trail.lines("begin")).find(({ action }) => action === "revoke")!;
  expect(cut).toMatchObject({ revoked: [begin["membrane"]], exchanges: 2 });
  await agent.destroy();
});

test("an invocation that is recorded says its bytes, status, duration and trace; of a share of 0 none is", async () => {
  await using trail = await audited({ share: 1 });
  const { service } = trail;
  await using target = await startTarget();
  const membrane = await createMembrane(service, service.tokens.create, "m");
  const token = await exportThrough(service, membrane.export, { uri: target.url });
  const traceparent = `00-${"a1".repeat(16)}-${"b2".repeat(8)}-01`;
  const response = expectStatus(
    await call(service, token, { method: "POST", body: "x", headers: { traceparent } }),
    200,
  );
  const invoked = await trail.awaitLine("invoked");
  expect(invoked).toMatchObject({
    capability: fingerprint(await uidOf(service, token)),
    membrane: expect.any(String),
    tenant: expect.any(String),
    client: "127.0.0.1",
    method: "POST",
    status: 200,
    upstreamStatus: 200,
    outcome: "completed",
    bytes: response.text.length,
    durationMs: expect.any(Number),
    traceparent,
  });
  expect(invoked["lineage"].length).toBeGreaterThan(4);
  // A text that is not a traceparent may be a secret.
  await call(service, token, { headers: { traceparent: "canary" } });
  const second = await trail.awaitLine("invoked", ({ method }) => method === "GET");
  expect(second).not.toHaveProperty("traceparent");

  const gone = await exportThrough(service, membrane.export, { uri: "http://127.0.0.1:9/" });
  expectStatus(await call(service, gone), 502);
  expect(await trail.awaitLine("invoked", ({ outcome }) => outcome === "failed")).toMatchObject({
    status: 502,
    reason: "target_unreachable",
  });
});

test("no token, no secret of a target, and nothing of a request but its method and trace is in a trail", async () => {
  await using trail = await audited({ share: 1 });
  const { service } = trail;
  await using target = await startTarget();
  const secrets = [
    "canary-header-1",
    "canary-query-2",
    "canary-path-3",
    "canary-body-4",
    "canary-name-5",
    target.url,
  ];
  const [header, query, path, body, name] = secrets;
  const membrane = await createMembrane(service, service.tokens.create, name!);
  const exported = { uri: `${target.url}${path}`, headers: { "X-Key": header }, allowQuery: true };
  const token = await exportThrough(service, membrane.export, exported);
  const delegated = await exportThrough(service, membrane.export, { capability: uriOf(service, token) });
  const request = { method: "POST", body: body!, headers: { "X-Client": header! } };
  expectStatus(await call(service, delegated, { ...request, path: `/?${query}=${query}` }), 200);
  expectStatus(await call(service, delegated, { ...request, path: `/${path}` }), 404);
  expectStatus(await call(service, `${token.slice(0, -2)}AA`, request), 401);
  expectStatus(await call(service, service.tokens.query), 200);
  expectStatus(await call(service, membrane.revoke), 202);
  await service.close();
  const tokens = { ...service.tokens, ...membrane, token, delegated };
  const text = await readFile(trail.file);
  expect((await readTrail(trail.file)).length).toBeGreaterThan(12);
  expectNothingIn(new Map([[trail.file, text]]), formsOf({ tokens, secrets }));
  expect((await stat(trail.file)).mode & 0o777).toBe(0o600);
});

test("a trail is whole over restarts and over files that were moved away, in the order of their first lines", async () => {
  await using directory = await temporaryDirectory();
  const file = join(directory.path, "audit.log");
  const options = { directory: join(directory.path, "data"), audit: { file, ...RULES } };
  const first = await startTestService(options);
  const { create } = first.tokens;
  await createMembrane(first, create, "a");
  await rename(file, `${file}.1`);
  await createMembrane(first, create, "b");
  first.reopenAudit();
  await createMembrane(first, create, "c");
  // The same file is not opened again.
  first.reopenAudit();
  await first.close();
  await using second = await startTestService(options);
  await createMembrane(second, create, "d");
  const files = [`${file}.1`, file];
  expect(await verifyTrail(second.data, ...files)).toMatchObject({
    problems: [],
    writers: 2,
    unknownWriters: 0,
  });
  const lines = await readTrail(...files);
  expect(lines.filter(({ event }) => event === "opened")).toHaveLength(3);
  expect(lines.filter(({ event }) => event === "closed")).toHaveLength(1);
  // Without the older file: what it had is continued, and the writer began before.
  const { problems } = await verifyTrail(second.data, file);
  expect(problems).toMatchObject([{ what: expect.stringMatching(/the lines before it are missing$/) }]);
});

test("the store knows of a change with its transaction: a trail without its last line is not whole", async () => {
  await using trail = await audited();
  const { service, file } = trail;
  await createMembrane(service, service.tokens.create, "m");
  const text = await readFile(file, "utf8");
  const begin = text
    .split("\n")
    .findLastIndex((line) => line.includes('"action":"create"') && line.includes('"begin"'));
  const cut = `${file}.cut`;
  await writeFile(cut, `${text.split("\n").slice(0, begin).join("\n")}\n`);
  const { problems } = await verifyTrail(service.data, cut);
  expect(problems).toMatchObject([
    { place: { file: cut, line: begin }, what: expect.stringContaining("lines were cut off or changed") },
  ]);
});

test("a trail without space stops nothing: what was not recorded is recorded when there is space again", async () => {
  await using directory = await temporaryDirectory();
  const file = join(directory.path, "audit.log");
  await symlink("/dev/full", file);
  const options = { directory: join(directory.path, "data"), audit: { file, ...RULES } };
  await using service = await startTestService(options);
  const membrane = await createMembrane(service, service.tokens.create, "m");
  expectStatus(await call(service, membrane.revoke), 202);
  expect(service.data.audit!.writer.isFailing).toBe(true);
  expect(service.logged()).toContain('"state":"failing"');
  await unlink(file);
  service.reopenAudit();
  await until("the lines are written", () => service.data.audit!.writer.flush());
  const actions = (await readTrail(file))
    .filter(({ event }) => event === "begin")
    .map(({ action }) => action);
  expect(actions).toEqual(["provision", "create", "revoke"]);
  expect(service.logged()).toContain('"state":"written"');
  await until("the store knows of them", async () => {
    const { heads } = await service.data.store.auditHeads();
    return heads.some(({ sequence }) => sequence >= 5);
  });
  expect((await verifyTrail(service.data, file)).problems).toEqual([]);
});

test("a trail that is required and has no space refuses all changes, listings and recorded invocations, but no revoke", async () => {
  await using directory = await temporaryDirectory();
  await using target = await startTarget();
  const file = join(directory.path, "audit.log");
  const options = {
    directory: join(directory.path, "data"),
    audit: { file, isRequired: true, invocationShare: 1 },
  };
  const before = await startTestService(options);
  const { tokens } = before;
  const membrane = await createMembrane(before, tokens.create, "m");
  const token = await exportThrough(before, membrane.export, { uri: target.url });
  await before.close();
  await rename(file, `${file}.1`);
  await symlink("/dev/full", file);

  await using service = await startTestService(options);
  const seen = target.requests.length;
  const refused = { status: 503, json: { code: "audit_unavailable" }, headers: { "retry-after": "60" } };
  expect(await call(service, tokens.create, { body: { id: "n" } })).toMatchObject(refused);
  expect(await call(service, membrane.export, { body: { uri: target.url } })).toMatchObject(refused);
  expect(await call(service, tokens.provision, { body: { id: "t" } })).toMatchObject(refused);
  expect(await call(service, tokens.query)).toMatchObject(refused);
  expect(await call(service, token)).toMatchObject(refused);
  expect(target.requests.length).toBe(seen);
  await expect(reissueTenant(asTestOperator(service.data), "default")).rejects.toThrow(/^--audit: /);
  expectStatus(await call(service, membrane.revoke), 202);
  expectStatus(await call(service, token), 401);

  await unlink(file);
  service.reopenAudit();
  expectStatus(await call(service, tokens.create, { body: { id: "n" } }), 201);
  expectStatus(await call(service, tokens.query), 200);
  const begun = (await readTrail(file)).filter(({ event }) => event === "begin");
  expect(begun.map(({ action }) => action)).toEqual(["revoke", "create", "query"]);
  expect((await verifyTrail(service.data, `${file}.1`, file)).problems).toEqual([]);
});

test("a trail that is required and cannot be flushed refuses what its lines were written for, but no revoke", async () => {
  await using target = await startTarget();
  await using directory = await temporaryDirectory();
  const file = join(directory.path, "audit.log");
  const audit = { file, isRequired: true, invocationShare: 1 };
  const options = { directory: join(directory.path, "data"), audit };
  const before = await startTestService(options);
  const { tokens } = before;
  const membrane = await createMembrane(before, tokens.create, "m");
  const token = await exportThrough(before, membrane.export, { uri: target.url });
  await before.close();
  await unlink(file);
  // It takes every line, and cannot be flushed.
  await symlink("/dev/null", file);
  await using service = await startTestService(options);
  const refused = { status: 503, json: { code: "audit_unavailable" } };
  expect(await call(service, tokens.create, { body: { id: "n" } })).toMatchObject(refused);
  expect(await call(service, token)).toMatchObject(refused);
  expect(target.requests).toEqual([]);
  expectStatus(await call(service, membrane.revoke), 202);
  expect(service.data.audit!.writer.isFailing).toBe(false);
  expect(service.logged()).toContain('"state":"failing"');
  // The store names no line that may be gone after a crash.
  const { heads } = await service.data.store.auditHeads();
  const { writer } = service.data.audit!.writer.head();
  expect(heads.map((head) => head.writer)).not.toContain(writer);
});

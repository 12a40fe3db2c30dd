import { copyFile, mkdir, readdir, readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { Agent } from "undici";
import { expect, test } from "vitest";
import { call, createMembrane, expectStatus, exportThrough } from "../../../testkit/src/client.ts";
import { firstTokens } from "../../../testkit/src/data-directory.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { runMembrane } from "../../../testkit/src/process.ts";
import { startRelay } from "../../../testkit/src/relay.ts";
import { startStreamingTarget, startTarget } from "../../../testkit/src/target.ts";
import { until } from "../../../testkit/src/until.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { openStream, startEndlessTarget } from "../support/open-stream.ts";
import type { TestDatabase } from "../../../testkit/src/test-database.ts";
import { createTestDatabase, databaseAt, LEASE_FLAGS } from "../../../testkit/src/test-database.ts";

/** A data directory of one more node: it has the service key, and nothing else. */
async function directoryOfNode(first: string, name: string): Promise<string> {
  const data = `${first}-${name}`;
  await mkdir(data, { mode: 0o700 });
  await copyFile(join(first, "service.key"), join(data, "service.key"));
  return data;
}

async function statusOf(service: ServiceProcess, token: string): Promise<number> {
  return (await call(service, token)).status;
}

async function leases(database: TestDatabase): Promise<number> {
  return (await database.query("SELECT FROM membrane.lease")).length;
}

test("a node keeps everything in the database but its key, its name and the first capabilities, and a restart finds it again", async () => {
  await using directory = await temporaryDirectory();
  await using target = await startTarget();
  const database = await createTestDatabase();
  const data = join(directory.path, "data");
  let token: string;
  {
    await using service = await database.startNode(data);
    const { create } = await firstTokens(data);
    const membrane = await createMembrane(service, create, "m");
    token = await exportThrough(service, membrane.export, { uri: target.url });
    expect(await statusOf(service, token)).toBe(200);
    const shown = [
      await readFile(`/proc/${service.pid}/cmdline`, "utf8"),
      JSON.stringify(service.logged()),
      service.printed(),
    ].join("\n");
    expect(shown).not.toContain(database.env.PGPASSWORD);
    expect(await service.end("SIGTERM")).toEqual({ code: 0, signal: null });
  }
  expect((await readdir(data)).toSorted()).toEqual([
    "authority",
    "engine",
    "first-capabilities.json",
    "service.key",
  ]);
  await using again = await database.startNode(data);
  expect(await statusOf(again, token)).toBe(200);
  expect(again.logged().filter(({ msg }) => msg === "first capabilities written")).toEqual([]);
});

test("nodes that share a database share tenants, revokes and the name in Via", async () => {
  await using directory = await temporaryDirectory();
  await using target = await startTarget();
  const database = await createTestDatabase();
  const data = join(directory.path, "data");
  await using one = await database.startNode(data);
  await using other = await database.startNode(await directoryOfNode(data, "other"));
  const nodes = [one, other] as const;
  const { create } = await firstTokens(data);
  expect(await leases(database)).toBe(2);
  for (const [index, [revoking, serving]] of [nodes, [other, one] as const].entries()) {
    const membrane = await createMembrane(revoking, create, `m${index}`);
    const token = await exportThrough(serving, membrane.export, { uri: target.url });
    for (const node of nodes) expect(await statusOf(node, token)).toBe(200);
    expectStatus(await call(revoking, membrane.revoke, { method: "POST" }), 202);
    for (const node of nodes) expect(await statusOf(node, token)).toBe(401);
  }
  expect(new Set(target.requests.map(({ headers }) => headers.via)).size).toBe(1);
});

test("the operator's commands work on the database of running nodes, and what they revoke is refused when they have ended", async () => {
  await using directory = await temporaryDirectory();
  await using target = await startTarget();
  const database = await createTestDatabase();
  const data = join(directory.path, "data");
  await using one = await database.startNode(data);
  await using other = await database.startNode(await directoryOfNode(data, "other"));
  const operate = async (...words: string[]): Promise<string> => {
    const ended = await runMembrane([...words, "--data", data, ...database.flags], database.env);
    expect(ended.stderr.replaceAll(/^\{.*\}$/gm, "").trim()).toBe("");
    expect(ended.code).toBe(0);
    return ended.stdout;
  };
  const made = JSON.parse(await operate("tenant", "create", "--id", "alice", "--json"));
  const create = made.capabilities.create.split("#")[1];
  expect((await operate("tenant", "list")).trim().split("\n")).toEqual(["alice", "default"]);
  const tokens: string[] = [];
  for (const id of ["mail", "files"]) {
    const membrane = await createMembrane(one, create, id);
    tokens.push(await exportThrough(other, membrane.export, { uri: target.url }));
  }
  for (const node of [one, other]) for (const token of tokens) expect(await statusOf(node, token)).toBe(200);
  await operate("membrane", "revoke", "--tenant", "alice", "--id", "mail");
  for (const node of [one, other])
    expect(await Promise.all(tokens.map((token) => statusOf(node, token)))).toEqual([401, 200]);
  await operate("tenant", "delete", "--id", "alice");
  for (const node of [one, other])
    expect(await Promise.all(tokens.map((token) => statusOf(node, token)))).toEqual([401, 401]);
});

test("a node that is stopped holds its lease until its requests have ended, and leaves no row behind", async () => {
  await using directory = await temporaryDirectory();
  const responses: ServerResponse[] = [];
  await using target = await startStreamingTarget((_request, response) => {
    responses.push(response);
    response.write("begun");
  });
  const database = await createTestDatabase();
  const data = join(directory.path, "data");
  await using service = await database.startNode(data);
  const { create } = await firstTokens(data);
  const membrane = await createMembrane(service, create, "m");
  const token = await exportThrough(service, membrane.export, { uri: target.url });
  const response = call(service, token, { dispatcher: new Agent() });
  await expect.poll(() => responses.length).toBe(1);
  const renewals = async () =>
    Number((await database.query("SELECT renewals FROM membrane.lease"))[0]?.["renewals"]);
  const ended = service.end("SIGTERM");
  await expect.poll(() => service.logged().some(({ msg }) => msg === "stopping")).toBe(true);
  const before = await renewals();
  await expect.poll(renewals).toBeGreaterThan(before);
  responses[0]!.end(" and whole");
  expect(await response).toMatchObject({ status: 200, text: "begun and whole" });
  expect(await ended).toEqual({ code: 0, signal: null });
  expect(await leases(database)).toBe(0);
});

test("each worker has a lease, a revoke by one of them holds for all, and a stop ends all leases", async () => {
  await using directory = await temporaryDirectory();
  await using target = await startTarget();
  const database = await createTestDatabase();
  const data = join(directory.path, "data");
  await using service = await database.startNode(data, [...LEASE_FLAGS, "--workers", "2"]);
  expect(await leases(database)).toBe(2);
  const { create } = await firstTokens(data);
  const membrane = await createMembrane(service, create, "m");
  const token = await exportThrough(service, membrane.export, { uri: target.url });
  // Each connection goes to the next worker.
  const dispatchers = Array.from({ length: 4 }, () => new Agent());
  const statuses = () =>
    Promise.all(dispatchers.map(async (dispatcher) => (await call(service, token, { dispatcher })).status));
  expect(await statuses()).toEqual([200, 200, 200, 200]);
  expectStatus(await call(service, membrane.revoke, { method: "POST" }), 202);
  expect(await statuses()).toEqual([401, 401, 401, 401]);
  for (const dispatcher of dispatchers) await dispatcher.close();
  expect(await service.end("SIGTERM")).toEqual({ code: 0, signal: null });
  expect(await leases(database)).toBe(0);
});

test("a node whose database is gone says that it is not ready, cuts its streams and passes nothing on, and recovers by itself", async () => {
  await using directory = await temporaryDirectory();
  await using target = await startTarget();
  await using endless = await startEndlessTarget();
  const { config } = await createTestDatabase();
  await using relay = await startRelay(config.port);
  const database = databaseAt(config, relay.port);
  const data = join(directory.path, "data");
  await using service = await database.startNode(data);
  const { create } = await firstTokens(data);
  const membrane = await createMembrane(service, create, "m");
  const token = await exportThrough(service, membrane.export, { uri: target.url });
  const streaming = await exportThrough(service, membrane.export, { uri: endless.url });
  const readiness = async () => (await call(service, undefined, { path: "/readyz" })).status;
  const events = () => service.logged().flatMap(({ msg }) => (msg?.startsWith("lease") ? [msg] : []));
  const agent = new Agent();
  const stream = await openStream(service, streaming, agent);
  expect([await statusOf(service, token), await readiness(), events()]).toEqual([200, 200, []]);
  relay.silence();
  await stream.aborted();
  await expect.poll(readiness).toBe(503);
  for (const refused of await Promise.all([1, 2, 3].map(() => call(service, token))))
    expect(refused).toMatchObject({ status: 503, json: { code: "store_unavailable" } });
  expect((await call(service, undefined, { path: "/healthz" })).status).toBe(200);
  await expect.poll(events).toEqual(["lease lost"]);
  expect(service.logged().find(({ msg }) => msg === "lease lost")).toMatchObject({ cause: "ETIMEDOUT" });
  relay.speak();
  await expect.poll(readiness).toBe(200);
  expect(await statusOf(service, token)).toBe(200);
  await expect.poll(events).toEqual(["lease lost", "lease regained"]);
  // An outage is no defect of the service.
  expect(service.logged().filter(({ msg }) => msg === "fault" || msg === "crashed")).toEqual([]);
  await agent.close();
});

test("a node logs that revokes may be lost, once, when the database lacks the last one that it applied", async () => {
  await using directory = await temporaryDirectory();
  const database = await createTestDatabase();
  const data = join(directory.path, "data");
  await using service = await database.startNode(data);
  const { create } = await firstTokens(data);
  const membrane = await createMembrane(service, create, "m");
  expectStatus(await call(service, membrane.revoke, { method: "POST" }), 202);
  // As after a failover that has lost the last commit, and another one in its place.
  await database.query("UPDATE membrane.log SET tag = gen_random_uuid() WHERE position = 1");
  await database.query("UPDATE membrane.head SET tag = (SELECT tag FROM membrane.log WHERE position = 1)");
  const alarms = () => service.logged().filter(({ msg }) => msg === "revocations may be lost");
  await until("the alarm", () => alarms().length > 0);
  expect(alarms()).toEqual([expect.objectContaining({ level: "error", position: "1" })]);
});

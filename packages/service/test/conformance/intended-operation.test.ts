import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createMembrane, exportThrough, uriOf } from "../../../testkit/src/client.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";

let service: TestService;
let target: TestTarget;
beforeAll(async () => {
  service = await startTestService();
  target = await startTarget();
});
afterAll(async () => {
  await service.close();
  await target[Symbol.asyncDispose]();
});

const OPERATIONS = ["create", "query", "export", "revoke", "delete-self", "provision"] as const;

async function capabilities(): Promise<Readonly<Record<string, string>>> {
  const { tokens } = service;
  const membrane = await createMembrane(service, tokens.create, `m ${Math.random()}`);
  const token = await exportThrough(service, membrane.export, { uri: target.url });
  return {
    create: tokens.create,
    query: tokens.query,
    "delete-self": tokens.deleteSelf,
    provision: tokens.provision,
    ...membrane,
    exported: token,
    again: await exportThrough(service, membrane.export, { capability: uriOf(service, token) }),
    lent: await exportThrough(service, membrane.export, { capability: uriOf(service, tokens.query) }),
  };
}

test("a request that names another operation than its capability's is a 400, and nothing is changed or sent", async () => {
  const held = await capabilities();
  const before = target.requests.length;
  for (const [name, token] of Object.entries(held)) {
    for (const operation of OPERATIONS) {
      if (operation === name || (name === "lent" && operation === "query")) continue;
      for (const method of ["GET", "POST", "DELETE"]) {
        const response = await call(service, token, { method, headers: { "membrane-operation": operation } });
        expect(response, `${name} ${operation}`).toMatchObject({
          status: 400,
          json: { code: "wrong_capability" },
        });
      }
    }
  }
  expect(target.requests.length).toBe(before);
  expect((await call(service, held["exported"])).status).toBe(200);
});

test("a request that names its capability's operation, or none, is carried out", async () => {
  const held = await capabilities();
  const said = (operation: string, more: object = {}) => ({
    headers: { "membrane-operation": operation },
    ...more,
  });
  const body = { uri: target.url };
  expect((await call(service, held["query"], said("query"))).status).toBe(200);
  expect((await call(service, held["lent"], said("query"))).status).toBe(200);
  expect((await call(service, held["export"], said("export", { body }))).status).toBe(201);
  expect((await call(service, held["export"], { body })).status).toBe(201);
  expect((await call(service, held["create"], said("create", { body: { id: "said" } }))).status).toBe(201);
  expect((await call(service, held["provision"], said("provision", { body: { id: "said" } }))).status).toBe(
    201,
  );
  expect((await call(service, held["revoke"], said("revoke", { method: "POST" }))).status).toBe(202);
});

test("an unknown operation is a 400 that names the header and its values", async () => {
  const held = await capabilities();
  for (const said of ["REVOKE", "invoke", "deleteSelf", "", "query, query"]) {
    const response = await call(service, held["exported"], { headers: { "membrane-operation": said } });
    expect(response).toMatchObject({ status: 400, json: { code: "invalid_field" } });
    expect(response.json.message).toMatch(/^Membrane-Operation: expected one of create, query, export/);
  }
});

test("two lines of the header are refused, whatever their values", async () => {
  const held = await capabilities();
  const before = target.requests.length;
  for (const [first, second] of [
    ["query", "query"],
    ["revoke", "query"],
    ["query", "revoke"],
  ]) {
    await using connection = await openRawConnection(service.port);
    const headers = [`Membrane-Operation: ${first}`, `membrane-operation: ${second}`];
    for (const name of ["query", "exported"]) {
      const from = connection.received().length;
      connection.send(requestHead(held[name], { headers }));
      const { body } = await nextResponse(connection, { from });
      expect(JSON.parse(body)).toMatchObject({ statusCode: 400, code: "invalid_field" });
    }
  }
  expect(target.requests.length).toBe(before);
});

test("without a working capability the response is the same 401 with the header, and no target gets the header", async () => {
  const with401 = await call(service, "CPBLTY1-x", { headers: { "membrane-operation": "nonsense" } });
  expect(with401).toMatchObject({ status: 401, json: { code: "unauthorized" } });
  const response = await call(service, undefined, { method: "OPTIONS" });
  expect(response.headers["access-control-allow-headers"]).toContain("Membrane-Operation");
});

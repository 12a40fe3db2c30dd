import { expect, test } from "vitest";
import { call, createMembrane, exportThrough, expectStatus, tokenOf } from "../../../testkit/src/client.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";

test("a membrane is created, and a capability exported, invoked and revoked, after which it does not work", async () => {
  await using service = await startTestService();
  await using target = await startTarget();

  const membrane = await createMembrane(service, service.tokens.create, "hello");
  const token = await exportThrough(service, membrane.export, {
    uri: `${target.url}secret`,
    headers: { "X-Api-Key": "the key to the house" },
  });
  const response = await call(service, token);
  expect(response).toMatchObject({ status: 200, text: "ok" });
  expect(target.requests[0]).toMatchObject({
    url: "/secret",
    headers: { "x-api-key": "the key to the house" },
  });

  expect(await call(service, membrane.revoke)).toMatchObject({
    status: 202,
    json: { statusCode: 202, message: "Accepted" },
  });
  expect(await call(service, membrane.revoke)).toMatchObject({ status: 202 });
  expect(await call(service, token)).toMatchObject({ status: 401 });
  expect(await call(service, membrane.export, { body: { uri: target.url } })).toMatchObject({ status: 401 });
  expect(target.requests).toHaveLength(1);
});

test("JSON is read with any Content-Type, with a length or in chunks, and a revoke is a GET, a POST or a DELETE", async () => {
  await using service = await startTestService();
  await using target = await startTarget();
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  for (const method of ["GET", "POST", "DELETE"]) {
    const created = await fetch(service.url, {
      method: "POST",
      headers: { authorization: `Bearer ${service.tokens.create}` },
      // A stream has no length, so it is sent in chunks.
      body: new Blob([JSON.stringify({ id: method })]).stream(),
      duplex: "half",
    });
    expect(created.status).toBe(201);
    const { capabilities } = (await created.json()) as { capabilities: Record<"export" | "revoke", string> };
    const body = JSON.stringify({ uri: target.url });
    const exported = await call(service, tokenOf(capabilities.export), { body, headers });
    const token = tokenOf(expectStatus(exported, 201).json.capability);
    expectStatus(await call(service, token), 200);
    expectStatus(await call(service, tokenOf(capabilities.revoke), { method }), 202);
    expectStatus(await call(service, token), 401);
  }
});

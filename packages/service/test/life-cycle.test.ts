import { expect, test } from "vitest";
import { call, createMembrane, exportThrough } from "../src/testkit/client.ts";
import { startTestService } from "../src/testkit/service.ts";
import { startTarget } from "../src/testkit/target.ts";

test("a membrane is created, a capability exported, invoked, revoked, and then it is dead", async () => {
  await using service = await startTestService();
  await using target = await startTarget();

  const membrane = await createMembrane(service, service.tokens.create, "hello");
  const door = await exportThrough(service, membrane.export, {
    uri: `${target.url}secret`,
    headers: { "X-Api-Key": "the key to the house" },
  });
  const answer = await call(service, door);
  expect(answer).toMatchObject({ status: 200, text: "ok" });
  expect(target.requests[0]).toMatchObject({
    url: "/secret",
    headers: { "x-api-key": "the key to the house" },
  });

  expect(await call(service, membrane.revoke)).toMatchObject({
    status: 202,
    json: { statusCode: 202, message: "Accepted" },
  });
  expect(await call(service, membrane.revoke)).toMatchObject({ status: 202 });
  expect(await call(service, door)).toMatchObject({ status: 401 });
  expect(await call(service, membrane.export, { body: { uri: target.url } })).toMatchObject({ status: 401 });
  expect(target.requests).toHaveLength(1);
});

import { expect, test } from "vitest";
import { engineOfRun } from "../../../testkit/src/engines.ts";
import { call, createMembrane, exportThrough, expectStatus, tokenOf } from "../../../testkit/src/client.ts";
import { nextResponse, openUsedConnections, requestHead } from "../../../testkit/src/raw-connection.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";

/** About as many headers as one target may have. */
const HEADERS = Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`x-${i.toString(36)}`, "a"]));

const REQUESTS = 64;

/** A revoke has several round trips to a database, and uses go on in each of them. */
const MAX_BEFORE_REVOKE = (engineOfRun() === "postgres" ? 3 / 4 : 1 / 2) * REQUESTS;

test("concurrent first uses of large targets do not all go before another tenant's request, nor before a revoke", async () => {
  await using target = await startTarget();
  await using service = await startTestService();
  const created = await call(service, service.tokens.provision, { body: { id: "other" } });
  const create = tokenOf(expectStatus(created, 201).json.capabilities.create);
  const [own, others, revoked] = await Promise.all([
    createMembrane(service, service.tokens.create, "own"),
    createMembrane(service, create, "others"),
    createMembrane(service, create, "revoked"),
  ]);
  const large = await Promise.all(
    Array.from({ length: REQUESTS }, (_, i) =>
      exportThrough(service, own.export, { uri: `${target.url}${i}`, headers: HEADERS }),
    ),
  );
  const small = await exportThrough(service, others.export, { uri: target.url });
  const connections = await openUsedConnections(service.port, REQUESTS + 2);
  const responded: string[] = [];
  const all = [...large, small, revoked.revoke].map(async (token, i) => {
    const { connection, from } = connections[i]!;
    connection.send(requestHead(token));
    const { status } = await nextResponse(connection, { from });
    responded.push(i < REQUESTS ? "large" : `${token === small ? "small" : "revoke"} ${status}`);
  });
  await Promise.all(all);
  expect(responded.indexOf("small 200")).toBeLessThan(REQUESTS / 2);
  expect(responded.indexOf("revoke 202")).toBeLessThan(MAX_BEFORE_REVOKE);
  expect(responded).toContain("small 200");
  expect(responded).toContain("revoke 202");
  for (const { connection } of connections) await connection[Symbol.asyncDispose]();
});

import { expect, test } from "vitest";
import { call, createMembrane, exportThrough, expectStatus, tokenOf } from "../../../testkit/src/client.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";

/** About as many headers as one target may have. */
const HEADERS = Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`x-${i.toString(36)}`, "a"]));

const REQUESTS = 64;

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
  const connections = await Promise.all(
    Array.from({ length: REQUESTS + 2 }, () => openRawConnection(service.port)),
  );
  // The connections were accepted before, so that the service receives the next requests all at once.
  const greetings = connections.map((connection) => {
    connection.send(requestHead(undefined, { line: "GET /healthz HTTP/1.1" }));
    return nextResponse(connection);
  });
  await Promise.all(greetings);
  const begun = connections.map((connection) => connection.received().length);
  const responded: string[] = [];
  const all = [...large, small, revoked.revoke].map(async (token, i) => {
    connections[i]!.send(requestHead(token));
    const { status } = await nextResponse(connections[i]!, { from: begun[i]! });
    responded.push(i < REQUESTS ? "large" : `${token === small ? "small" : "revoke"} ${status}`);
  });
  await Promise.all(all);
  expect(responded.indexOf("small 200")).toBeLessThan(REQUESTS / 2);
  expect(responded.indexOf("revoke 202")).toBeLessThan(REQUESTS / 2);
  expect(responded).toContain("small 200");
  expect(responded).toContain("revoke 202");
  for (const connection of connections) await connection[Symbol.asyncDispose]();
});

import { expect, test } from "vitest";
import { call, createMembrane, expectStatus, tokenOf } from "../../../testkit/src/client.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { nextResponse, openUsedConnections, requestHead } from "../../../testkit/src/raw-connection.ts";

/** A body with as many headers as it may have commas, which is refused only after all were checked. */
const COSTLY = JSON.stringify({
  uri: "https://api.example/",
  headers: { ...Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`x-${i}`, "a"])), "": "" },
});

const REQUESTS = 128;

test("costly management requests of one tenant that arrive together do not all go before another tenant's, nor before a revoke", async () => {
  await using service = await startTestService();
  const other = expectStatus(await call(service, service.tokens.provision, { body: { id: "other" } }), 201);
  const own = await createMembrane(service, service.tokens.create, "own");
  const revoked = await createMembrane(service, service.tokens.create, "revoked");
  const responded: string[] = [];
  const connections = await openUsedConnections(service.port, REQUESTS + 2);
  const post = (token: string, body: string): string =>
    requestHead(token, { line: "POST / HTTP/1.1", headers: [`Content-Length: ${body.length}`] }) + body;
  const send = async (i: number, who: string, request: string): Promise<void> => {
    const { connection, from } = connections[i]!;
    connection.send(request);
    await nextResponse(connection, { from });
    responded.push(who);
  };
  const all = Array.from({ length: REQUESTS }, (_, i) => send(i, "own", post(own.export, COSTLY)));
  all.push(send(REQUESTS, "other", post(tokenOf(other.json.capabilities.create), "{}")));
  all.push(send(REQUESTS + 1, "revoke", requestHead(revoked.revoke)));
  await Promise.all(all);
  expect(responded.indexOf("other")).toBeLessThan(REQUESTS / 2);
  expect(responded.indexOf("revoke")).toBeLessThan(REQUESTS / 2);
  for (const { connection } of connections) await connection[Symbol.asyncDispose]();
});

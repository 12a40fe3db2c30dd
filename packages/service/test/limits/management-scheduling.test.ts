import { expect, test } from "vitest";
import { call, createMembrane, expectStatus, tokenOf } from "../../../testkit/src/client.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";

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
  const post = (token: string, body: string): string =>
    requestHead(token, { line: "POST / HTTP/1.1", headers: [`Content-Length: ${body.length}`] }) + body;
  const send = async (i: number, who: string, request: string): Promise<void> => {
    connections[i]!.send(request);
    await nextResponse(connections[i]!, { from: begun[i]! });
    responded.push(who);
  };
  const all = Array.from({ length: REQUESTS }, (_, i) => send(i, "own", post(own.export, COSTLY)));
  all.push(send(REQUESTS, "other", post(tokenOf(other.json.capabilities.create), "{}")));
  all.push(send(REQUESTS + 1, "revoke", requestHead(revoked.revoke)));
  await Promise.all(all);
  expect(responded.indexOf("other")).toBeLessThan(REQUESTS / 2);
  expect(responded.indexOf("revoke")).toBeLessThan(REQUESTS / 2);
  for (const connection of connections) await connection[Symbol.asyncDispose]();
});

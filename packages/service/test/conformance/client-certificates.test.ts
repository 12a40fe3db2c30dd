import { X509Certificate } from "node:crypto";
import { createServer } from "node:https";
import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createMembrane, exportThrough } from "../../../testkit/src/client.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";
import type { TestCertificate } from "../../../testkit/src/tls-target.ts";

/* One origin, several clients: the target responds with the name in the connection's client certificate. */

let target: Server;
let origin: string;
let own: TestCertificate;
let service: TestService;
let exporting: string;
const connections = new Set<TLSSocket>();
const clients = new Map<string, TestCertificate>();

beforeAll(async () => {
  own = await makeCertificate("127.0.0.1");
  for (const name of ["alice", "bob"]) clients.set(name, await makeCertificate(`${name}.test`));
  const names = new Map(
    Array.from(clients, ([name, { cert }]) => [new X509Certificate(cert).fingerprint256, name]),
  );
  const options = { cert: own.cert, key: own.key, requestCert: true, rejectUnauthorized: false };
  target = createServer(options, ({ socket }, response) => {
    connections.add(socket as TLSSocket);
    response.end(names.get((socket as TLSSocket).getPeerCertificate().fingerprint256) ?? "none");
  });
  target.keepAliveTimeout = 600_000; // Undici follows it, so that no idle socket ends during the test.
  target.listen(0, "127.0.0.1");
  await once(target, "listening");
  origin = `https://127.0.0.1:${(target.address() as AddressInfo).port}/`;
  service = await startTestService();
  exporting = (await createMembrane(service, service.tokens.create, "m")).export;
});
afterAll(async () => {
  await service.close();
  target.close();
  target.closeAllConnections();
});

/** Exports the origin with a client's certificate, or with none. */
function exportFor(name: string, tls: object = { ca: own.ca }): Promise<string> {
  const client = clients.get(name);
  const material = client === undefined ? {} : { cert: client.cert, key: client.key };
  return exportThrough(service, exporting, { uri: origin, tls: { ...tls, ...material } });
}

async function ask(token: string): Promise<string> {
  return (await call(service, token)).text;
}

test("each client is identified by its certificate, even if another used the same target over connections that are still open", async () => {
  const tokens = {
    alice: await exportFor("alice"),
    bob: await exportFor("bob"),
    none: await exportFor("none"),
  };
  for (const name of ["alice", "bob", "none", "bob", "alice", "none"] as const)
    expect(await ask(tokens[name])).toBe(name);
  const asked = Array.from({ length: 60 }, (_, i) => (["alice", "bob", "none"] as const)[i % 3]!);
  expect(await Promise.all(asked.map((name) => ask(tokens[name])))).toEqual(asked);
});

test("a connection to an unverified target is not used for a capability that verifies it, nor the other way round", async () => {
  const unchecked = await exportFor("none", { rejectUnauthorized: false });
  const checked = await exportFor("none", { ca: own.ca });
  const distrusting = [
    await exportFor("none", {}),
    await exportFor("none", { ca: clients.get("bob")!.ca }),
    await exportFor("alice", { ca: clients.get("alice")!.ca, rejectUnauthorized: true }),
  ];
  expect([await ask(unchecked), await ask(checked)]).toEqual(["none", "none"]);
  for (const token of distrusting)
    expect(await call(service, token)).toMatchObject({ status: 502, json: { code: "target_unreachable" } });
});

test("exports with the same material share their connections", async () => {
  const tokens = [await exportFor("alice"), await exportFor("alice")];
  await ask(tokens[0]!);
  const before = connections.size;
  for (const token of tokens) expect(await ask(token)).toBe("alice");
  expect(connections.size).toBe(before);
});

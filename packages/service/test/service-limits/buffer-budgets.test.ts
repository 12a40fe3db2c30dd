import { afterEach, beforeEach, expect, test } from "vitest";
import { AWS_KEY } from "../../../testkit/src/aws4-reference.ts";
import {
  call,
  createMembrane,
  expectStatus,
  exportThrough,
  tokenOf,
  uriOf,
} from "../../../testkit/src/client.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import type { RawConnection } from "../../../testkit/src/raw-connection.ts";

/*
 * Shares of the memory for bodies: a client that takes all that it can get leaves enough for others, and for the other
 * capabilities of its tenant.
 */

const KIB = 1024;
const LIMITS = { bufferedBytesTotal: 96 * KIB, managementBufferedBytesTotal: 48 * KIB };

interface Tenant {
  readonly create: string;
  readonly export: string;
  readonly revoke: string;
}

let service: TestService;
let target: TestTarget;
let own: Tenant;
let other: Tenant;
const connections: RawConnection[] = [];

beforeEach(async () => {
  service = await startTestService({ limits: LIMITS });
  target = await startTarget();
  own = await tenant("own");
  other = await tenant("other");
});
afterEach(async () => {
  for (const connection of connections.splice(0)) await connection[Symbol.asyncDispose]();
  await service.close();
  await target[Symbol.asyncDispose]();
});

async function tenant(id: string): Promise<Tenant> {
  const provisioned = expectStatus(await call(service, service.tokens.provision, { body: { id } }), 201);
  const create = tokenOf(provisioned.json.capabilities.create);
  return { create, ...(await createMembrane(service, create, "m")) };
}

const signed = (by: Tenant): Promise<string> =>
  exportThrough(service, by.export, {
    uri: target.url,
    hmac: { "aws4-hmac-sha256": { ...AWS_KEY, service: "lambda" } },
  });

/** Sends 4 KiB of a longer body on one connection after the other, until one is refused. */
async function holdAll(token: string): Promise<{ readonly held: number; readonly code: string }> {
  for (let held = 0; held < 64; held += 1) {
    const connection = await openRawConnection(service.port);
    connections.push(connection);
    connection.send(requestHead(token, { line: "POST / HTTP/1.1", headers: ["Transfer-Encoding: chunked"] }));
    connection.send(`1000\r\n${" ".repeat(4 * KIB)}\r\n`);
    // Responses on another connection, after which the body is buffered or refused.
    for (let look = 0; look < 3; look += 1) expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
    if (connection.received() !== "") {
      const { status, headers, body } = await nextResponse(connection);
      expect([status, headers.get("retry-after")]).toEqual([429, ["1"]]);
      return { held, code: JSON.parse(body).code };
    }
  }
  throw new Error("one capability can buffer any amount");
}

const send = (token: string, bytes: number) => call(service, token, { body: "x".repeat(bytes) });

async function expectServed(by: Tenant, id: string): Promise<void> {
  const membrane = await createMembrane(service, by.create, id);
  await exportThrough(service, membrane.export, { uri: target.url });
  expect(await call(service, membrane.revoke, { method: "POST" })).toMatchObject({ status: 202 });
  expect(await send(await signed(by), 8 * KIB)).toMatchObject({ status: 200 });
}

test("a capability with as many buffered bodies as it may have leaves enough for other tenants, its own tenant and management", async () => {
  const { held, code } = await holdAll(await signed(own));
  expect(code).toBe("capability_concurrency_exceeded");
  expect(held).toBeGreaterThanOrEqual(2);
  await expectServed(other, "while it is full");
  await expectServed(own, "while it is full");
});

test("re-exports of a capability that has used up its share get nothing more, through any tenant's membrane", async () => {
  const full = await signed(own);
  const again = await exportThrough(service, other.export, { capability: uriOf(service, full) });
  await holdAll(full);
  expect(await send(again, 8 * KIB)).toMatchObject({
    status: 429,
    json: { code: "capability_concurrency_exceeded" },
  });
  await expectServed(other, "while it is full");
});

test("a tenant with as many buffered bodies as it may have, of many capabilities, leaves enough for other tenants", async () => {
  const codes: string[] = [];
  for (let i = 0; i < 4; i += 1) codes.push((await holdAll(await signed(own))).code);
  expect(codes).toContain("tenant_concurrency_exceeded");
  await expectServed(other, "while it is full");
});

test("a `create` whose unfinished bodies use up its share leaves enough for other tenants' management, and for its tenant's revokes", async () => {
  expect((await holdAll(own.create)).code).toBe("capability_concurrency_exceeded");
  await expectServed(other, "while it is full");
  expect(await call(service, own.revoke, { method: "POST" })).toMatchObject({ status: 202 });
});

test("many capabilities of one tenant with unfinished management bodies leave enough for other tenants' management", async () => {
  const codes: string[] = [];
  for (let i = 0; i < 6; i += 1) {
    const membrane = await createMembrane(service, own.create, `m${i}`).catch(() => undefined);
    codes.push((await holdAll(membrane?.export ?? own.export)).code);
  }
  expect(codes).toContain("tenant_concurrency_exceeded");
  await expectServed(other, "while it is full");
});

test("the memory of a signed body is given back with its response: far more than the budget passes, one body after the other", async () => {
  const token = await signed(own);
  for (let sent = 0; sent < 4 * LIMITS.bufferedBytesTotal; sent += 8 * KIB)
    expect(await send(token, 8 * KIB)).toMatchObject({ status: 200 });
});

import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createResolver } from "../../src/egress/resolver.ts";
import { call, createMembrane, exportThrough } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import type { NameServer } from "../../../testkit/src/name-server.ts";
import { startNameServer } from "../../../testkit/src/name-server.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";

/* Responses to clients when name servers fail, with real packets. */

const HANGING = Array.from({ length: 64 }, (_, i) => `hanging-${i}.example`);

let names: NameServer;
let service: TestService;
let target: TestTarget;
beforeAll(async () => {
  const hanging = HANGING.map((name) => [name, { A: "never", AAAA: "never" }] as const);
  names = await startNameServer({
    "target.example": { A: ["127.0.0.1"] },
    "alias.example": { alias: "target.example" },
    "failing.example": { A: "servfail", AAAA: "servfail" },
    "garbled.example": { A: "garbage", AAAA: "garbage" },
    "inside.example": { A: ["127.0.0.1"], AAAA: ["::1"] },
    ...Object.fromEntries(hanging),
  });
  const lookup = createResolver({ hosts: () => Promise.resolve(new Map()), servers: [names.address] });
  service = await startTestService({ lookup, limits: { upstreamConnectTimeoutMs: 6_000 } });
  target = await startTarget();
});
afterAll(async () => {
  await service.close();
  await Promise.all([names, target].map((one) => one[Symbol.asyncDispose]()));
});

async function doorTo(name: string): Promise<string> {
  return (await exportTarget(service, { uri: `http://${name}:${target.port}/` })).token;
}

test.each(["target.example", "alias.example"])(
  "%s is reached at the address from its name server",
  async (name) => {
    expect(await call(service, await doorTo(name))).toMatchObject({ status: 200, text: "ok" });
    expect(target.requests.at(-1)!.headers.host).toBe(`${name}:${target.port}`);
  },
);

test.each(["nowhere.example", "failing.example", "garbled.example"])(
  "%s has no address: 502, and the next target is served",
  async (name) => {
    expect(await call(service, await doorTo(name))).toMatchObject({
      status: 502,
      json: { code: "target_unreachable" },
    });
    expect((await call(service, await doorTo("target.example"))).status).toBe(200);
  },
);

test("inside.example has an allowed address and one that is not allowed: 502", async () => {
  expect(await call(service, await doorTo("inside.example"))).toMatchObject({
    status: 502,
    json: { code: "target_forbidden" },
  });
});

test(
  "64 lookups without a response delay no other lookup, no file, no export and no revoke, and end as 504",
  { timeout: 20_000 },
  async () => {
    const membrane = await createMembrane(service, service.tokens.create, "hanging");
    const tokens = await Promise.all(
      HANGING.map((name) => exportThrough(service, membrane.export, { uri: `http://${name}/` })),
    );
    const other = await exportTarget(service, { uri: `http://target.example:${target.port}/` });
    let ended = 0;
    const hanging = tokens.map(async (token) => {
      const response = await call(service, token);
      ended += 1;
      return response;
    });
    await expect.poll(() => HANGING.every((name) => names.queries.includes(`udp A ${name}`))).toBe(true);

    expect((await call(service, other.token)).status).toBe(200);
    expect((await readFile(import.meta.filename)).length).toBeGreaterThan(0);
    const late = await exportThrough(service, other.export, { uri: `http://alias.example:${target.port}/` });
    expect((await call(service, late)).status).toBe(200);
    expect((await call(service, other.revoke)).status).toBe(202);
    expect((await call(service, other.token)).status).toBe(401);
    expect(ended).toBe(0);

    for (const response of await Promise.all(hanging)) {
      expect(response).toMatchObject({ status: 504, json: { code: "target_timeout" } });
      expect(response.headers["proxy-status"]).toBe("membrane; error=connection_timeout");
    }
  },
);

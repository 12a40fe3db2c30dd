import { Agent } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import { call } from "../../../testkit/src/client.ts";
import type { CallResponse } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import type { TestNginx } from "../../../testkit/src/nginx.ts";
import { startNginx } from "../../../testkit/src/nginx.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";

const LIMIT = 5;

let service: TestService;
let nginx: TestNginx;
let agents: Agent[];

beforeEach(async () => {
  agents = [];
  service = await startTestService({
    limits: { maxAuthFailuresPerMinute: LIMIT },
    trustedProxies: ["127.0.0.1/32"],
    now: () => new Date(Date.UTC(2026, 0, 1)),
  });
  nginx = await startNginx(service.port);
});

afterEach(async () => {
  for (const agent of agents) await agent.close();
  await nginx[Symbol.asyncDispose]();
  await service.close();
});

/** Makes a client with this address that connects to nginx. */
function clientAt(localAddress: string): (token: string, forwardedFor?: string) => Promise<CallResponse> {
  const dispatcher = new Agent({ localAddress, connect: { ca: nginx.ca } });
  agents.push(dispatcher);
  return (token, forwardedFor) =>
    call(nginx, token, {
      dispatcher,
      headers: forwardedFor === undefined ? {} : { "x-forwarded-for": forwardedFor },
    });
}

test("each client of nginx is counted separately, whatever its X-Forwarded-For", async () => {
  await using target = await startTarget();
  const { token } = await exportTarget(service, { uri: target.url });
  const [guessing, other] = [clientAt("127.0.0.4"), clientAt("127.0.0.5")];
  for (let i = 0; i < LIMIT; i += 1) expect((await guessing("none", `198.51.100.${i}`)).status).toBe(401);
  for (const invented of [undefined, "198.51.100.9", "127.0.0.5", "127.0.0.1", "127.0.0.5, 127.0.0.1"]) {
    const refused = await guessing("none", invented);
    expect(refused).toMatchObject({ status: 429, json: { code: "too_many_auth_failures" } });
    expect(refused.headers["retry-after"]).toBe("60");
  }
  expect((await other("none", "127.0.0.4")).status).toBe(401);
  expect((await other(token)).status).toBe(200);
});

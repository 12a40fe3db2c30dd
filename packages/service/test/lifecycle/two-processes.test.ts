import { Agent } from "undici";
import { expect, test } from "vitest";
import type { CallResponse, CallOptions } from "../../../testkit/src/client.ts";
import { call, expectStatus, tokenOf, uriOf } from "../../../testkit/src/client.ts";
import { initDataDirectory } from "../../../testkit/src/data-directory.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { PATIENT_WRITES, spawnService } from "../../../testkit/src/process.ts";
import { TEST_AUTHORITY } from "../../../testkit/src/service.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";

/**
 * Each round revokes while `pollers` requests are in flight at the other process: it has then read the revocation log as shortly
 * before the revoke as can be, which is when a position that is kept too long would do harm.
 */
const LOADS = [
  { lanes: 1, pollers: 4, rounds: 60 },
  { lanes: 4, pollers: 2, rounds: 160 },
];

test.each(LOADS)(
  "what one process acknowledges holds for the very next request to the other, $lanes at a time, $rounds times",
  async ({ lanes, pollers, rounds }) => {
    await using data = await initDataDirectory();
    await using first = await spawnService(data.path, { flags: PATIENT_WRITES });
    await using second = await spawnService(data.path, { flags: PATIENT_WRITES });
    await using target = await startTarget((_request, response) => void response.end());
    const dispatcher = new Agent({ connections: lanes * (pollers + 1) });
    const client: Client = (service, token, options) => call(service, token, { ...options, dispatcher });
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let round = (next += 1); round <= rounds; round = next += 1) {
        const [here, there] = round % 2 === 0 ? [first, second] : [second, first];
        const { create } = data.tokens;
        await play(client, { here, there, target, create, name: `round ${round}`, pollers });
      }
    };
    try {
      await Promise.all(Array.from({ length: lanes }, lane));
    } finally {
      await dispatcher.destroy();
    }
  },
);

type Client = (service: ServiceProcess, token: string, options?: CallOptions) => Promise<CallResponse>;

interface Round {
  readonly here: ServiceProcess;
  readonly there: ServiceProcess;
  readonly target: TestTarget;
  readonly create: string;
  readonly name: string;
  /** How many requests are in flight at `there` during the revoke. */
  readonly pollers: number;
}

async function play(client: Client, { here, there, target, create, name, pollers }: Round): Promise<void> {
  const created = expectStatus(await client(here, create, { body: { id: name } }), 201);
  const { export: exporting, revoke } = created.json.capabilities;
  const body = { uri: target.url };
  const exported = expectStatus(await client(there, tokenOf(exporting), { body }), 201);
  const token = tokenOf(exported.json.capability);
  // Both processes now have the resolution in their caches.
  expectStatus(await client(here, token), 200);
  expectStatus(await client(there, token), 200);

  let isAcknowledged = false;
  const untilRevoked = async (): Promise<void> => {
    for (let isLast = false; !isLast;) {
      isLast = isAcknowledged;
      const { status } = await client(there, token);
      if (isLast) expect(status).toBe(401);
    }
  };
  const polled = Promise.all(Array.from({ length: pollers }, untilRevoked));
  const revoked = client(here, tokenOf(revoke), { method: "POST" }).finally(() => (isAcknowledged = true));
  // All at once, so that a poller that fails is not left without a handler.
  await Promise.all([polled, revoked.then((response) => expectStatus(response, 202))]);
  expect(await client(there, token)).toMatchObject({ status: 401 });
  expect(await client(there, tokenOf(exporting), { body: {} })).toMatchObject({ status: 401 });
  expect(await client(here, token)).toMatchObject({ status: 401 });
}

test("a capability that one process made can at once be delegated, invoked and revoked at the other", async () => {
  await using data = await initDataDirectory();
  await using first = await spawnService(data.path, { flags: PATIENT_WRITES });
  await using second = await spawnService(data.path, { flags: PATIENT_WRITES });
  await using target = await startTarget();
  const send = async (at: ServiceProcess, token: string, status: number, body?: object): Promise<any> =>
    expectStatus(await call(at, token, body === undefined ? {} : { body }), status).json;

  for (let round = 0; round < 20; round += 1) {
    const { capabilities } = await send(first, data.tokens.create, 201, { id: `round ${round}` });
    const delegates = await send(second, data.tokens.create, 201, { id: `delegate ${round}` });
    const { capability } = await send(second, tokenOf(capabilities.export), 201, { uri: target.url });
    const source = { capability: uriOf({ authority: TEST_AUTHORITY }, tokenOf(capability)) };
    const delegated = await send(first, tokenOf(delegates.capabilities.export), 201, source);
    await send(second, tokenOf(delegated.capability), 200);
    await send(second, tokenOf(capabilities.revoke), 202);
    await send(first, tokenOf(delegated.capability), 401);
    await send(first, tokenOf(delegates.capabilities.export), 400, {});
  }
});

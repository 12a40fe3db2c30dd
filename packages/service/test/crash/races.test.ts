import { setTimeout } from "node:timers/promises";
import { Agent } from "undici";
import { expect, test } from "vitest";
import type { CallResponse, CallOptions } from "../../../testkit/src/client.ts";
import {
  call,
  createMembrane,
  exportThrough,
  expectStatus,
  tokenOf,
  uriOf,
} from "../../../testkit/src/client.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { PATIENT, startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";

const ROUNDS = 150;
/** Concurrent rounds. */
const LANES = 12;
/** Requests that race in one round. One of them is the revoke: the first in one round, the second in the next, and so on. */
const RACERS = 5;

test("an export that races a revoke of its membrane is refused, or its capability is dead when the revoke is acknowledged", async () => {
  await using service = await startTestService({ limits: PATIENT });
  await using target = await startTarget();
  using client = startClient(service);
  const start: RevokeStart = { delayMs: 1 };
  const outcomes = await inLanes(async (round) => {
    const membrane = await createMembrane(service, service.tokens.create, `round ${round}`);
    const exporting = (): Promise<CallResponse> =>
      client.send(membrane.export, { body: { uri: target.url } });
    return race(client, start, round, exporting, membrane.revoke, (response) =>
      tokenOf(response.json.capability),
    );
  });
  expectBothOutcomes(outcomes);
});

test("a re-export that races a revoke of its parent's membrane is refused, or is dead when the revoke is acknowledged", async () => {
  await using service = await startTestService({ limits: PATIENT });
  await using target = await startTarget();
  using client = startClient(service);
  const delegate = await createMembrane(service, service.tokens.create, "delegate");
  const start: RevokeStart = { delayMs: 1 };
  const outcomes = await inLanes(async (round) => {
    const membrane = await createMembrane(service, service.tokens.create, `round ${round}`);
    const parent = await exportThrough(service, membrane.export, { uri: target.url });
    const body = { capability: uriOf(service, parent) };
    const reexporting = (): Promise<CallResponse> => client.send(delegate.export, { body });
    return race(client, start, round, reexporting, membrane.revoke, (response) =>
      tokenOf(response.json.capability),
    );
  });
  expectBothOutcomes(outcomes);
});

test("a create that races deleteSelf is refused, or its membrane is dead when deleteSelf is acknowledged", async () => {
  await using service = await startTestService({ limits: PATIENT });
  using client = startClient(service);
  const start: RevokeStart = { delayMs: 1 };
  const outcomes = await inLanes(async (round) => {
    const response = await client.send(service.tokens.provision, { body: { id: `round ${round}` } });
    const { capabilities } = expectStatus(response, 201).json;
    let made = 0;
    const creating = (): Promise<CallResponse> =>
      client.send(tokenOf(capabilities.create), { body: { id: `membrane ${(made += 1)}` } });
    return race(client, start, round, creating, tokenOf(capabilities.deleteSelf), ({ json }) =>
      tokenOf(json.capabilities.export),
    );
  });
  expectBothOutcomes(outcomes);
});

test.each(["create", "provision"] as const)(
  "of two concurrent %s requests with the same id, exactly one gets a 201",
  async (kind) => {
    await using service = await startTestService({ limits: PATIENT });
    using client = startClient(service);
    const code = kind === "create" ? "membrane_exists" : "tenant_exists";
    await inLanes(async (round) => {
      const body = { id: `round ${round}` };
      const responses = await Promise.all([1, 2].map(() => client.send(service.tokens[kind], { body })));
      const [won, lost] = responses.toSorted((a, b) => a.status - b.status);
      expect(won).toMatchObject({ status: 201, json: body });
      expect(lost).toMatchObject({ status: 409, json: { code } });
    });
  },
);

test("concurrent delegated queries return the same capabilities every time, and these work", async () => {
  await using service = await startTestService({ limits: PATIENT });
  using client = startClient(service);
  const delegate = await createMembrane(service, service.tokens.create, "delegate");
  await inLanes(async (round) => {
    await createMembrane(service, service.tokens.create, `round ${round}`);
    const body = { capability: uriOf(service, service.tokens.query) };
    const query = await exportThrough(service, delegate.export, body);
    const path = `/?id=${encodeURIComponent(`round ${round}`)}`;
    const responses = await Promise.all(Array.from({ length: RACERS }, () => client.send(query, { path })));
    const [first] = responses;
    expect(first?.json.membranes).toHaveLength(1);
    for (const response of responses) expect(response.json).toEqual(first?.json);
    const { capabilities } = first!.json.membranes[0];
    expect(await client.send(tokenOf(capabilities.export), { body: {} })).toMatchObject({ status: 400 });
    expect(await client.send(tokenOf(capabilities.revoke))).toMatchObject({ status: 202 });
  });
});

interface Client extends Disposable {
  send(token: string, options?: CallOptions): Promise<CallResponse>;
}

/** A client with enough connections that racing requests do not wait in it. */
function startClient(service: TestService): Client {
  const dispatcher = new Agent({ connections: LANES * RACERS });
  return {
    send: (token, options = {}) => call(service, token, { ...options, dispatcher }),
    [Symbol.dispose]: () => void dispatcher.destroy(),
  };
}

/** How long after the other racers the next revoke is sent. */
interface RevokeStart {
  delayMs: number;
}

/**
 * Sends a revoke among requests that create something. The revoke of the next round is sent later if this one won, and earlier
 * if it lost, so that the race stays close on any machine.
 *
 * @returns how many of the requests created something, and how many were refused.
 */
async function race(
  client: Client,
  start: RevokeStart,
  round: number,
  make: () => Promise<CallResponse>,
  revoke: string,
  tokenMade: (response: CallResponse) => string,
): Promise<{ made: number; refused: number }> {
  const responses: CallResponse[] = [];
  const racers: Promise<unknown>[] = [];
  const late: CallResponse[] = [];
  for (let racer = 0; racer < RACERS; racer += 1) {
    if (racer !== round % RACERS) {
      racers.push(make().then((response) => responses.push(response)));
      continue;
    }
    const sent = setTimeout(start.delayMs).then(() => client.send(revoke, { method: "POST" }));
    const revoked = sent.then(async (response) => {
      expectStatus(response, 202);
      late.push(await make());
    });
    racers.push(revoked);
  }
  await Promise.all(racers);
  const made = responses.filter(({ status }) => status === 201);
  const refused = responses.filter(({ status }) => status !== 201);
  start.delayMs *= made.length > refused.length ? 0.8 : 1.25;
  for (const response of [...refused, ...late]) {
    expect([400, 401]).toContain(response.status);
    expect(["unauthorized", "invalid_capability"]).toContain(response.json.code);
  }
  for (const response of made) {
    expect(await client.send(tokenMade(response), { body: {} })).toMatchObject({ status: 401 });
  }
  return { made: made.length, refused: refused.length };
}

/** Checks that both outcomes happened, since otherwise there was no race. */
function expectBothOutcomes(outcomes: readonly { readonly made: number; readonly refused: number }[]): void {
  expect(outcomes.some(({ made }) => made > 0)).toBe(true);
  expect(outcomes.some(({ refused }) => refused > 0)).toBe(true);
}

async function inLanes<T>(run: (round: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let round = (next += 1); round <= ROUNDS; round = next += 1) results.push(await run(round));
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return results;
}

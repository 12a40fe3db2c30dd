import fc from "fast-check";
import { Agent } from "undici";
import { expect, test } from "vitest";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { call, expectStatus } from "../../../testkit/src/client.ts";
import type { EngineName } from "../../../testkit/src/engines.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import type { Step, TestClock } from "../support/lifecycle-steps.ts";
import { arbitraryStep, HistoryPlayer } from "../support/lifecycle-steps.ts";
import {
  directoryWithKey,
  rowsOfDatabase,
  rowsOfDirectory,
  refusalOfMove,
  twoPlaces,
} from "../support/moves.ts";

/* A store that was moved to the other engine and back is the same store: every capability in it works, or does not, as before. */

/** How many stores, and how many histories each of them has. */
const STORES = 2;
const HISTORIES = 4;
const STEPS = { minLength: 8, maxLength: 25, size: "max" } as const;

/** How often the counted capability may be used: twice in each place. */
const USES = 6;

const open = (directory: string, engine: EngineName, clock: TestClock): Promise<TestService> =>
  startTestService({
    directory,
    engine,
    now: () => new Date(clock.now),
    limits: { expiredRetentionMs: 1 },
  });

async function expectMoved(from: string, to: string, env: Readonly<Record<string, string>>): Promise<void> {
  expect(await refusalOfMove(from, to, env)).toBeUndefined();
}

/** Plays a part of each history, and checks what works then. */
async function play(players: readonly HistoryPlayer[], parts: readonly (readonly Step[])[]): Promise<void> {
  for (const [index, player] of players.entries()) {
    for (const step of parts[index] ?? []) await player.step(step);
    await player.check();
  }
}

async function checkAll(players: readonly HistoryPlayer[], service: TestService): Promise<void> {
  for (const player of players) {
    player.continueWith(service);
    await player.check();
  }
}

async function sweepAll({ data }: TestService): Promise<void> {
  for (let more = true; more;) ({ more } = await data.store.sweep(7));
}

test("in any store, each capability, name, quota, use and expiry is the same after a move to PostgreSQL, and after the move back", async () => {
  await using target = await startTarget((_request, response) => void response.end());
  const agent = new Agent({ connections: 16 });
  const histories = fc.array(
    fc.tuple(
      fc.array(arbitraryStep, STEPS),
      fc.array(arbitraryStep, { ...STEPS, maxLength: 12 }),
      fc.array(arbitraryStep, { ...STEPS, maxLength: 12 }),
    ),
    { minLength: HISTORIES, maxLength: HISTORIES },
  );
  const property = fc.asyncProperty(histories, async (parts) => {
    const clock = { now: Date.now() };
    await using directory = await temporaryDirectory();
    const before = `${directory.path}/before`;
    let service = await open(before, "lmdb", clock);
    const players = parts.map(
      (_, index) => new HistoryPlayer([service], clock, agent, target.url, `history ${index} `),
    );
    for (const player of players) await player.provision(player.world.capabilities[0]!, { name: "one" });
    const counted = await exportTarget(service, { uri: target.url, limits: { maxUses: USES } });
    const useTwice = async (): Promise<void> => {
      for (let use = 0; use < 2; use += 1) expectStatus(await call(service, counted.token), 200);
    };
    await useTwice();
    await play(
      players,
      parts.map(([first]) => first),
    );
    await service.close();
    const places = await twoPlaces(before);
    const rows = await rowsOfDirectory(before);

    await expectMoved(places.directory, places.database, places.env);
    expect(await rowsOfDatabase(before)).toEqual(rows);
    service = await open(before, "postgres", clock);
    await checkAll(players, service);
    await play(
      players,
      parts.map(([, second]) => second),
    );
    await sweepAll(service);
    await checkAll(players, service);
    await useTwice();
    await service.close();

    const after = await directoryWithKey(`${directory.path}/after`, before);
    const rowsInDatabase = await rowsOfDatabase(before);
    await expectMoved(places.database, `lmdb:${after}`, places.env);
    expect(await rowsOfDirectory(after)).toEqual(rowsInDatabase);
    service = await open(after, "lmdb", clock);
    await checkAll(players, service);
    await play(
      players,
      parts.map(([, , third]) => third),
    );
    await sweepAll(service);
    await checkAll(players, service);
    await useTwice();
    expectStatus(await call(service, counted.token), 401);
    await service.close();
  });
  try {
    await fc.assert(property, { numRuns: STORES, endOnFailure: true });
  } finally {
    await agent.destroy();
  }
});

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askForAllRounds } from "../support/faults/acknowledged.ts";
import { checkHistory } from "../support/faults/check-history.ts";
import { MAX_USES } from "../support/faults/history.ts";
import { COUNTED } from "../support/faults/lives.ts";
import type { StubTarget } from "../support/faults/stub-target.ts";
import { startStubTarget } from "../support/faults/stub-target.ts";
import { KILL_POINTS } from "../support/kills/kill-points.ts";
import type { KillRound } from "../support/kills/kill-round.ts";
import { playKillRound } from "../support/kills/kill-round.ts";
import type { Machine } from "../support/kills/machine.ts";
import { REOPENINGS, startMachine } from "../support/kills/machine.ts";

/*
 * A service over LMDB that is killed at a named point in each round while clients use it, and started again, also as after a power
 * failure. FAULT_ROUNDS, FAULT_SEED and FAULT_NAME are as in faults.test.ts; the name is that of a point.
 */

const ROUNDS = Number(process.env["FAULT_ROUNDS"] ?? 200);
const SEED = Number(process.env["FAULT_SEED"] ?? Date.now() % 2 ** 31);

const ROUND_TIMEOUT_MS = 5 * 60_000;

const points = KILL_POINTS.filter(({ name }) => name.includes(process.env["FAULT_NAME"] ?? ""));
const seeds = Array.from({ length: points.length === 0 ? 0 : ROUNDS }, (_, round) => SEED + round);

let machine: Machine;
let target: StubTarget;
/** Those since the machine was started. */
let rounds: KillRound[] = [];
beforeAll(async () => {
  target = await startStubTarget();
  machine = await startMachine();
});
afterAll(async () => {
  await machine?.[Symbol.asyncDispose]();
  await target?.[Symbol.asyncDispose]();
});

/** After a round that did not end, the store may be damaged. */
async function replaceMachine(error: unknown): Promise<never> {
  await machine[Symbol.asyncDispose]();
  rounds = [];
  machine = await startMachine();
  throw error;
}

/** The counted capabilities of a round of which the target has received more requests than they may be used. */
function sentTooOften(name: string): readonly string[] {
  return [...target.received].flatMap(([path, count]) =>
    path.startsWith(`/${COUNTED}${encodeURIComponent(`${name} `)}`) && count > MAX_USES
      ? [`${count} requests for ${path}`]
      : [],
  );
}

/** What the rounds had in them. */
function reportKills(all: readonly KillRound[]): string {
  const operations = all.flatMap(({ history }) => history.operations);
  const unknown = operations.filter(({ outcome }) => outcome === "unknown").length;
  const lost = all.reduce((sum, { lostSectors }) => sum + lostSectors, 0);
  return `${all.length} kills, ${operations.length} requests, ${unknown} without a response, ${lost} sectors lost\n`;
}

describe("killed at a named point", () => {
  test.each(seeds)(
    "a service keeps what it acknowledged, makes the rest whole or not at all, lets nothing live that was revoked, and counts each use that it sent: FAULT_SEED=%i",
    async (seed) => {
      const point = points[seed % points.length]!;
      // Few rounds have each reopening, and many have each with each point, whatever their numbers are.
      const reopening = REOPENINGS[(seed + Math.floor(seed / points.length)) % REOPENINGS.length]!;
      const name = `round ${seed}`;
      const options = { machine, target, point, reopening, name, seed };
      const round = await playKillRound(options).catch(replaceMachine);
      rounds.push(round);
      const violations = [...checkHistory(round.history), ...round.parts, ...sentTooOften(name)];
      const found = violations.length === 0 ? {} : { violations };
      expect({ point: point.name, reopening, ...found }).toEqual({ point: point.name, reopening });
    },
    ROUND_TIMEOUT_MS,
  );

  test(
    "after all rounds, the store has everything that was acknowledged",
    async () => {
      process.stdout.write(reportKills(rounds));
      const { node, data } = machine;
      const all = await askForAllRounds({ nodes: [node], tokens: data.tokens }, rounds);
      expect(checkHistory(all)).toEqual([]);
      expect(await node.service.end("SIGTERM")).toEqual({ code: 0, signal: null });
    },
    20 * 60_000,
  );
});

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askForAllRounds } from "../support/faults/acknowledged.ts";
import { checkHistory } from "../support/faults/check-history.ts";
import type { Cluster } from "../support/faults/cluster.ts";
import { startCluster } from "../support/faults/cluster.ts";
import { FAULTS } from "../support/faults/faults.ts";
import { reportRounds } from "../support/faults/report.ts";
import type { Round } from "../support/faults/round.ts";
import { playRound } from "../support/faults/round.ts";
import type { StubTarget } from "../support/faults/stub-target.ts";
import { startStubTarget } from "../support/faults/stub-target.ts";

/*
 * Three nodes on one server, a fault in each round, clients that never pause, and a check of everything that they saw.
 *
 * FAULT_ROUNDS sets the number of rounds. FAULT_SEED=n FAULT_ROUNDS=1 repeats the fault and the clients of the round with the seed n;
 * what happens at the same time differs. FAULT_NAME=text has only faults whose names contain it.
 */

const ROUNDS = Number(process.env["FAULT_ROUNDS"] ?? 200);
const SEED = Number(process.env["FAULT_SEED"] ?? Date.now() % 2 ** 31);
const NODES = 3;

/** More than the parts of a round have together. */
const ROUND_TIMEOUT_MS = 10 * 60_000;

const faults = FAULTS.filter(({ name }) => name.includes(process.env["FAULT_NAME"] ?? ""));
const seeds = Array.from({ length: faults.length === 0 ? 0 : ROUNDS }, (_, round) => SEED + round);

let cluster: Cluster;
let target: StubTarget;
/** Those since the cluster was started. */
let rounds: Round[] = [];
beforeAll(async () => {
  target = await startStubTarget();
  cluster = await startCluster(NODES);
});
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await target?.[Symbol.asyncDispose]();
});

/** After a round that did not end, nodes may still be stopped. */
async function restart(error: unknown): Promise<never> {
  await cluster[Symbol.asyncDispose]();
  rounds = [];
  cluster = await startCluster(NODES);
  throw error;
}

describe("with a fault", () => {
  test.each(seeds)(
    "no revoke is forgotten, nothing alive is refused, and nothing acknowledged is lost: FAULT_SEED=%i",
    async (seed) => {
      const fault = faults[seed % faults.length]!;
      const round = await playRound({ cluster, target, fault, name: `round ${seed}`, seed }).catch(restart);
      rounds.push(round);
      const violations = checkHistory(round.history);
      // What the nodes say of it helps to find why.
      const logged = round.logged.map((lines) => lines.filter(({ level }) => level !== "info"));
      const found = violations.length === 0 ? {} : { violations, logged };
      expect({ fault: fault.name, ...found }).toEqual({ fault: fault.name });
    },
    ROUND_TIMEOUT_MS,
  );

  test(
    "after all rounds, every node has everything that was acknowledged",
    async () => {
      process.stdout.write(reportRounds(rounds));
      expect(checkHistory(await askForAllRounds(cluster, rounds))).toEqual([]);
    },
    20 * 60_000,
  );
});

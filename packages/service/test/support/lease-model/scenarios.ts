import { RECOMMENDED_DATABASE } from "./database.ts";
import type { Scenario } from "./protocol.ts";
import { BASE, FAST, RECOMMENDED, SLOW } from "./protocol.ts";

/** What is explored of the protocol as it is, whole within bounds that every run of the tests has time for. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "a node serves": { ...BASE, pollerSends: 1 },
  "a node serves, in steps of a quarter of a lease": { ...BASE, tickMs: 250, nodeSends: 1, pollerSends: 1 },
  "a node joins": { ...BASE, startsServing: false, nodeSends: 3, pollerSends: 1 },
  "the clock of the node is fast and that of the poller slow": {
    ...BASE,
    nodeRates: [FAST],
    revokerRate: SLOW,
    nodeSends: 1,
    pollerSends: 1,
  },
  "a node is paused within its turns": { ...BASE, splitsTurns: true, pollerSends: 1 },
  "a process is killed and starts anew": { ...BASE, restarts: 1, nodeSends: 0, pollerSends: 1 },
  "the server crashes": { ...BASE, crashes: 1, nodeSends: 1, pollerSends: 1 },
  "a failover loses commits": { ...BASE, failovers: 1, nodeSends: 1, pollerSends: 1 },
  "machines sleep": { ...BASE, suspensions: 2, nodeSends: 1, pollerSends: 1 },
  "two membranes are revoked, and the log is read in pages": {
    ...BASE,
    revokes: [0, 1],
    nodeSends: 1,
    pollerSends: 0,
    protocol: { ...RECOMMENDED, database: { ...RECOMMENDED_DATABASE, pageSize: 1 } },
  },
  "a revoke is repeated": { ...BASE, revokes: [0, 0], nodeSends: 1, pollerSends: 0 },
  "there are two nodes": { ...BASE, nodeRates: [SLOW, FAST], nodeSends: 1, pollerSends: 0 },
};

/** The same with shorter steps and more of everything, for a run that takes as long as its bound lets it. */
export function widen(scenario: Scenario): Scenario {
  const { nodeSends, pollerSends, restartedSends } = scenario;
  return {
    ...scenario,
    tickMs: 250,
    nodeSends: nodeSends + 2,
    pollerSends: pollerSends + 2,
    restartedSends: restartedSends + 1,
  };
}

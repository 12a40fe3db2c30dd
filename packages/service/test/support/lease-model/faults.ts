import { tick } from "./clocks.ts";
import { crash, promote } from "./database.ts";
import { orphan, startNode, withNode } from "./steps.ts";
import type { Database, Exploring, Statement, Step, World } from "./world.ts";
import { membranesIn } from "./world.ts";

export function faultSteps(world: World, exploring: Exploring, steps: Step[]): void {
  const { faults, database, nodes } = world;
  const { scenario, registry } = exploring;
  if (faults.restarts > 0) {
    nodes.forEach((node, process) => {
      const isOwn = (statement: Statement): boolean =>
        statement.owner === "node" && statement.process === process;
      const started = startNode(exploring, {
        names: node.names,
        sends: scenario.restartedSends,
        applied: membranesIn(database.log),
      });
      steps.push({
        label: () => `node ${process}: its process is killed and starts anew`,
        world: {
          ...withNode(orphan(world, isOwn, exploring), process, started),
          faults: { ...faults, restarts: faults.restarts - 1 },
        },
      });
    });
  }
  if (faults.crashes > 0 && database.downFor === undefined) {
    const recovered = registry.canonical(crash(database, scenario.protocol.database));
    steps.push({
      label: () => "server: crashes and recovers",
      world: {
        ...endConnections(world, recovered, exploring),
        faults: { ...faults, crashes: faults.crashes - 1 },
      },
    });
  }
  if (database.durable !== undefined) {
    steps.push({
      label: () => "server: flushes what was written",
      world: { ...world, database: registry.canonical({ ...database, durable: undefined }) },
    });
  }
  if (faults.failovers > 0) steps.push(failoverStep(world, exploring));
  if (database.downFor !== undefined && database.downFor >= scenario.failoverMs) {
    steps.push({
      label: () => "server: the standby is promoted",
      world: forgetLost({ ...world, database: registry.canonical(promote(database)) }),
    });
  }
  if (faults.suspensions > 0) {
    steps.push({
      label: () => `${scenario.tickMs} ms pass, in which the machines of the nodes sleep`,
      world: {
        ...tick(world, exploring, 0),
        faults: { ...faults, suspensions: faults.suspensions - 1 },
      },
    });
  }
}

function failoverStep(world: World, exploring: Exploring): Step {
  const { faults, database } = world;
  const { log, rows, standby } = database;
  const { canonical } = exploring.registry;
  if (standby === undefined) {
    return {
      label: () => "server: its standby falls behind",
      world: { ...world, database: canonical({ ...database, standby: { log, rows } }) },
    };
  }
  return {
    label: () => "server: the primary is lost",
    world: {
      ...endConnections(world, canonical({ ...database, downFor: 0 }), exploring),
      faults: { ...faults, failovers: faults.failovers - 1 },
    },
  };
}

function endConnections(world: World, database: Database, { registry }: Exploring): World {
  const statements = world.statements
    .filter(({ owner }) => owner !== "none")
    .map((statement) => registry.canonical<Statement>({ ...statement, stage: { type: "failed" } }));
  return forgetLost({ ...world, database, statements });
}

/** A revoke that the database has lost is one that a person must repeat: the alarm says so, and nothing else can. */
function forgetLost(world: World): World {
  return { ...world, acknowledged: world.acknowledged & membranesIn(world.database.log) };
}

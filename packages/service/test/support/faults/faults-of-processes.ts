import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { startGroup } from "./cluster.ts";
import { fault, milliseconds, nodeOf } from "./fault.ts";
import { aNode } from "./lives.ts";

const nodePaused = fault(
  "a node is stopped across a revoke, and perhaps across its lease",
  fc.record({ node: aNode, forMs: milliseconds(0, 3_000) }),
  async (context, { node: drawn, forMs }) => {
    const life = await context.prepare();
    const node = nodeOf(context, drawn);
    await node.pause();
    const revoked = context.revoke(life, nodeOf(context, drawn + 1));
    await Promise.all([revoked, sleep(forMs)]).finally(node.resume);
    context.measured("ms to revoke with a stopped node", await revoked);
  },
);

const nodeKilled = fault(
  "a node is killed while a revoke waits for it",
  fc.record({ node: aNode, afterMs: milliseconds(0, 300) }),
  async (context, { node: drawn, afterMs }) => {
    const life = await context.prepare();
    const node = nodeOf(context, drawn);
    // A stopped node makes the revoke wait.
    await node.pause();
    await context.recorder.interruption(node.number, async () => {
      const revoked = context.revoke(life, nodeOf(context, drawn + 1));
      await sleep(afterMs);
      await node.kill();
      context.measured("ms to revoke with a killed node", await revoked);
      await node.restart();
    });
  },
);

const joinerStopped = fault(
  "a node is stopped or killed while it joins",
  fc.record({
    node: aNode,
    at: fc.constantFrom("INSERT INTO membrane.lease (", "UPDATE membrane.lease "),
    forMs: milliseconds(0, 2_500),
    isKilled: fc.boolean(),
  }),
  async (context, { node: drawn, at, forMs, isKilled }) => {
    const life = await context.prepare();
    const node = nodeOf(context, drawn);
    const held = node.relay.hold(at);
    // A renewal has no reply, so the node joins anew.
    node.relay.silence();
    node.relay.speak();
    const { pass } = await held;
    await node.pause();
    const revoked = context.revoke(life, nodeOf(context, drawn + 1));
    pass();
    await sleep(forMs);
    if (isKilled) {
      await context.recorder.interruption(node.number, async () => {
        await node.kill();
        await node.restart();
      });
    } else node.resume();
    await revoked;
  },
);

const clockShifted = fault(
  "the time of day of a node is set ahead or back",
  fc.record({
    node: aNode,
    byMs: fc.oneof(fc.constantFrom(-3_600_000, 3_600_000), fc.integer({ min: -2_000, max: 2_000 })),
    forMs: milliseconds(100, 2_000),
  }),
  async (context, { node: drawn, byMs, forMs }) => {
    const life = await context.prepare();
    const node = nodeOf(context, drawn);
    await node.shiftClock(byMs);
    await context.revoke(life, nodeOf(context, drawn + 1));
    await sleep(forMs);
    await node.shiftClock(0);
  },
);

const startedTogether = fault(
  "two nodes make the schema at once",
  fc.constant(2),
  async ({ cluster }, size) => {
    await using group = await startGroup(cluster.server, { database: "together", size });
    if (group.nodes.length !== size) throw new Error("a node did not start");
  },
);

const calm = fault("nothing happens", milliseconds(500, 1_500), (_context, forMs) => sleep(forMs));

export const PROCESS_FAULTS = [nodePaused, nodeKilled, joinerStopped, clockShifted, startedTogether, calm];

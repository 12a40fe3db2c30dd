import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { fault, milliseconds, nodeOf } from "./fault.ts";
import { aNode } from "./lives.ts";

const slowNetwork = fault(
  "a node's way to the server is slow",
  fc.record({
    node: aNode,
    thereMs: milliseconds(0, 400),
    backMs: milliseconds(0, 400),
    forMs: milliseconds(300, 3_000),
  }),
  async (context, { node, thereMs, backMs, forMs }) => {
    const { relay } = nodeOf(context, node);
    relay.delay(thereMs, backMs);
    await sleep(forMs);
    relay.delay(0, 0);
  },
);

const slowThenSilent = fault(
  "the replies to a node are slow, and end after a revoke",
  fc.record({ node: aNode, backMs: milliseconds(100, 290), afterMs: milliseconds(0, 300) }),
  async (context, { node: drawn, backMs, afterMs }) => {
    const node = nodeOf(context, drawn);
    const lives = await Promise.all(Array.from({ length: REVOKES }, context.prepare));
    node.relay.delay(0, backMs);
    // Longer than a lease: each is of a slow reply.
    await sleep(1_500);
    const revokes = lives.map(async (life, index) => {
      await sleep(index * REVOKE_INTERVAL_MS);
      await context.revoke(life, nodeOf(context, drawn + 1));
    });
    await sleep(afterMs);
    node.relay.silence();
    await context.recorder.outage(node.number, () => Promise.all(revokes));
    node.relay.delay(0, 0);
    node.relay.speak();
  },
);

/** So many and so often that one is committed between the snapshot of a renewal and its reply. */
const REVOKES = 8;
const REVOKE_INTERVAL_MS = 40;

const halfOpen = fault(
  "connections of a node stay open and are silent",
  fc.record({ node: aNode, forMs: milliseconds(50, 4_000), hasAll: fc.boolean() }),
  async (context, { node: drawn, forMs, hasAll }) => {
    const nodes = hasAll ? context.cluster.nodes : [nodeOf(context, drawn)];
    for (const { relay } of nodes) relay.silence();
    const node = hasAll ? "all" : nodes[0]!.number;
    await context.recorder.outage(node, () => sleep(forMs));
    for (const { relay } of nodes) relay.speak();
  },
);

const repliesLost = fault(
  "a node renews its lease and gets no reply",
  fc.record({ node: aNode, forMs: milliseconds(300, 4_000) }),
  async (context, { node: drawn, forMs }) => {
    const node = nodeOf(context, drawn);
    node.relay.loseReplies("UPDATE membrane.lease ");
    await context.recorder.outage(node.number, () => sleep(forMs));
    node.relay.passReplies();
  },
);

export const NETWORK_FAULTS = [slowNetwork, slowThenSilent, halfOpen, repliesLost];

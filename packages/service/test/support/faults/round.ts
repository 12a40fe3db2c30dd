import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { LogLine } from "../../../../testkit/src/process.ts";
import { until } from "../../../../testkit/src/until.ts";
import { createClient } from "./client.ts";
import type { Cluster } from "./cluster.ts";
import type { ClusterNode } from "./cluster-node.ts";
import type { Fault, FaultContext } from "./fault.ts";
import { MAX_PART_MS } from "./fault.ts";
import { askAtTheEnd } from "./final-questions.ts";
import type { History } from "./history.ts";
import type { Life, LifeContext } from "./lives.ts";
import { askToRevoke, expectDead, isFinished } from "./lives.ts";
import { loadNodes, makeLife, untilAllServe } from "./load.ts";
import type { Recorder } from "./recorder.ts";
import { createRecorder } from "./recorder.ts";
import { createStreams } from "./streams.ts";
import type { StubTarget } from "./stub-target.ts";

export interface RoundOptions {
  readonly cluster: Cluster;
  readonly target: StubTarget;
  readonly fault: Fault;
  /** Begins the names of all that is made. */
  readonly name: string;
  readonly seed: number;
}

export interface Round {
  readonly fault: string;
  readonly history: History;
  readonly lives: readonly Life[];
  readonly figures: readonly Figure[];
  /** What each node has logged meanwhile. */
  readonly logged: readonly (readonly LogLine[])[];
}

export interface Figure {
  readonly name: string;
  readonly value: number;
}

/** How long clients load the nodes before the fault, in milliseconds. */
const WARM_UP_MS = 200;

/** Loads the nodes, does the fault, and asks for everything once more when all nodes have recovered. */
export async function playRound({ cluster, target, fault, name, seed }: RoundOptions): Promise<Round> {
  const recorder = createRecorder();
  await using client = createClient(recorder);
  await using streams = createStreams(recorder, target, client.dispatcher);
  const lives: Life[] = [];
  const figures: Figure[] = [];
  const before = cluster.nodes.map((node) => node.logged().length);
  let isOver = false;
  let prepared = 0;
  const context: LifeContext = {
    nodes: cluster.nodes,
    client,
    streams,
    pending: new Set(),
    createToken: cluster.tokens.create,
    targetUrl: target.url,
    isOver: () => isOver,
  };
  const kept = (await makeLife(context, lives, `${name} kept`)).exported[0]!;
  const recovered = (): Promise<void> => untilAllServe(context, kept);
  await recovered();
  const load = loadNodes(context, kept, lives, { name, seed });
  const faultContext: FaultContext = {
    cluster,
    recorder,
    recovered,
    prepare: () => makeLife(context, lives, `${name} prepared ${(prepared += 1)}`),
    revoke: (life, node) => revokeUntilDone(context, life, node),
    measured: (figure, value) => void figures.push({ name: figure, value }),
  };
  try {
    await sleep(WARM_UP_MS);
    await inTime(fault.run(faultContext, seed), `the fault "${fault.name}" does not end`);
    await inTime(recovered(), `a node does not recover from the fault "${fault.name}"`);
  } finally {
    isOver = true;
    await inTime(load, "the clients do not end");
    await inTime(Promise.all(context.pending), "a request does not end");
  }
  const end = askAtTheEnd({ ...context, queryToken: cluster.tokens.query }, recorder, lives);
  await inTime(end, "a node does not answer at the end");
  await untilRevokedStreamsEnd(recorder);
  const history = recorder.history(cluster.nodes.map(({ number }) => number));
  const logged = cluster.nodes.map((node, index) => node.logged().slice(before[index]));
  return { fault: fault.name, history, lives, figures, logged };
}

/** @throws Error if the promise takes longer than any part of a round. */
async function inTime(promise: Promise<unknown>, otherwise: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(otherwise)), MAX_PART_MS);
  });
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function revokeUntilDone(context: LifeContext, life: Life, node: ClusterNode): Promise<number> {
  const membrane = life.membranes[0]!;
  life.revoking = membrane;
  const began = performance.now();
  await until(
    "a revoke is acknowledged",
    async () => isFinished(await askToRevoke(context, membrane, node)),
    MAX_PART_MS,
  );
  const ended = performance.now();
  await expectDead(context, membrane, life.exported[0]!);
  return ended - began;
}

const MAX_STREAM_WAIT_MS = 20_000;

/** Waits for them, so that the history has the end of each that has one. */
async function untilRevokedStreamsEnd({ openStreams, isRevoked }: Recorder): Promise<void> {
  const end = performance.now() + MAX_STREAM_WAIT_MS;
  const isLeft = (): boolean => [...openStreams].some(({ through }) => isRevoked(through));
  while (isLeft() && performance.now() < end) await sleep(20);
}

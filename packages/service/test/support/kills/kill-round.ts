import { copyFile, mkdir, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { call, expectStatus, exportThrough } from "../../../../testkit/src/client.ts";
import { runMembrane } from "../../../../testkit/src/process.ts";
import { openRawLmdb } from "../../../../testkit/src/raw-lmdb.ts";
import type { DiskAction } from "../disk/faulty-disk.ts";
import { createClient } from "../faults/client.ts";
import { askAtTheEnd } from "../faults/final-questions.ts";
import type { History } from "../faults/history.ts";
import { MAX_USES } from "../faults/history.ts";
import type { Held, Life, LifeContext } from "../faults/lives.ts";
import { loadNodes, makeLife, untilAllServe } from "../faults/load.ts";
import { createRecorder } from "../faults/recorder.ts";
import { createStreams } from "../faults/streams.ts";
import type { StubTarget } from "../faults/stub-target.ts";
import type { KillPoint, PointContext } from "./kill-points.ts";
import type { Machine, Reopening } from "./machine.ts";
import { rowViolations } from "./row-violations.ts";

export interface KillRoundOptions {
  readonly machine: Machine;
  readonly target: StubTarget;
  readonly point: KillPoint;
  readonly reopening: Reopening;
  /** Begins the names of all that is made. */
  readonly name: string;
  readonly seed: number;
}

export interface KillRound {
  readonly point: string;
  readonly history: History;
  readonly lives: readonly Life[];
  /** Where the store has a part of a record without the rest. */
  readonly parts: readonly string[];
  /** How many sectors a power failure took. */
  readonly lostSectors: number;
}

/** How long clients load the service before the kill, in milliseconds. */
const WARM_UP_MS = 200;

/** How long the call is held at which the process is killed, so that what does not wait for it is done, in milliseconds. */
const HELD_MS = 40;

function killBefore(heldMs: number): DiskAction {
  return { kind: "kill before", heldMs };
}

/** Loads the service, kills it at the point, starts it again, and asks for everything that was made. */
export async function playKillRound(options: KillRoundOptions): Promise<KillRound> {
  const { machine, target, point, reopening, name, seed } = options;
  const recorder = createRecorder();
  await using client = createClient(recorder);
  await using streams = createStreams(recorder, target, client.dispatcher);
  const lives: Life[] = [];
  let isOver = false;
  const context: LifeContext = {
    nodes: [machine.node],
    client,
    streams,
    pending: new Set(),
    createToken: machine.data.tokens.create,
    targetUrl: target.url,
    isOver: () => isOver,
  };
  const kept = (await makeLife(context, lives, `${name} kept`)).exported[0]!;
  const load = loadNodes(context, kept, lives, { name, seed });
  const endLoad = async (): Promise<void> => {
    isOver = true;
    await load;
    await Promise.all(context.pending);
  };
  let lostSectors = 0;
  try {
    await sleep(WARM_UP_MS);
    const sectors = fc.sample(fc.boolean(), { seed, numRuns: 4_096 });
    let drawn = 0;
    await recorder.interruption(0, async () => {
      await point.run(createPointContext(options, endLoad), seed);
      await machine.kill();
      lostSectors = await machine.restart(reopening, () => sectors[(drawn += 1) % sectors.length]!);
      await untilAllServe(context, kept);
    });
  } finally {
    await endLoad();
  }
  const { query } = machine.data.tokens;
  await askAtTheEnd({ ...context, queryToken: query }, recorder, lives);
  await useUp(context, lives);
  await using raw = await openRawLmdb(machine.data.path);
  const parts = rowViolations(await raw.rows());
  return { point: point.name, history: recorder.history([0]), lives, parts, lostSectors };
}

/** Uses what counts its uses more often than it may be. */
async function useUp({ client, nodes }: LifeContext, lives: readonly Life[]): Promise<void> {
  const counted = lives.flatMap(({ exported }) => exported.filter(({ isCounted }) => isCounted === true));
  const useOften = async (capability: Held): Promise<void> => {
    for (let i = 0; i <= MAX_USES; i += 1) await client.ask({ ...capability, kind: "use", node: nodes[0]! });
  };
  await Promise.all(counted.map(useOften));
}

function createPointContext(
  { machine, target, name }: KillRoundOptions,
  endLoad: () => Promise<void>,
): PointContext {
  const { node, disk, data, dataFile } = machine;
  return {
    dataFile,
    async killedAt(rule, when) {
      const action = when === "before" ? killBefore(HELD_MS) : ({ kind: "kill after" } as const);
      using _rule = disk.add({ ...rule, action });
      await node.service.ended();
    },
    async revokeAlone(capabilities) {
      await endLoad();
      const response = await call(node.service, data.tokens.create, { body: { id: `${name} alone` } });
      const { export: exporting, revoke } = expectStatus(response, 201).json.capabilities;
      for (let i = 0; i < capabilities; i += 1)
        await exportThrough(node.service, exporting.split("#")[1], { uri: target.url });
      expectStatus(await call(node.service, revoke.split("#")[1]), 202);
    },
    async killBackup(rule, file) {
      const backup = `${data.path}-backup`;
      const of = file.startsWith(".") ? file : join(backup, file);
      using _rule = disk.add({ ...rule, of, action: killBefore(0) });
      const { FAULTY_DISK_JOURNAL: _, ...env } = disk.env;
      const { code } = await runMembrane(["backup", backup, "--data", data.path], env);
      await expectWholeOrRefused(machine, backup, code === 0);
    },
  };
}

/** @throws Error if a backup that was killed can be restored, or one that was made cannot. */
async function expectWholeOrRefused({ data }: Machine, backup: string, isWhole: boolean): Promise<void> {
  const restored = `${data.path}-restored`;
  await mkdir(restored, { mode: 0o700 });
  try {
    if (existsSync(join(backup, "backup.json")) !== isWhole)
      throw new Error("a killed backup has its description");
    await copyFile(join(data.path, "service.key"), join(restored, "service.key"));
    const { code, stderr } = await runMembrane(["restore", backup, "--data", restored]);
    if ((code === 0) !== isWhole || existsSync(join(restored, "store")) !== isWhole)
      throw new Error(`restoring a backup that is ${isWhole ? "" : "not "}whole: ${code} ${stderr}`);
  } finally {
    for (const path of [backup, restored]) await rm(path, { recursive: true, force: true });
  }
}

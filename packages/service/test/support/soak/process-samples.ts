import { readdir, readFile, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { MetricsAddress } from "../../../../testkit/src/metrics.ts";
import type { ServiceProcess } from "../../../../testkit/src/process.ts";
import { until } from "../../../../testkit/src/until.ts";
import type { Sample } from "./trend.ts";

const KIB = 1_024;

const SAMPLE_MS = 500;

/** What one process uses at a moment (proc(5)). */
interface ProcessSample {
  /** Memory that is backed by no file, in bytes. The store's map is not in it. */
  readonly anonymousBytes: number;
  readonly descriptors: number;
}

async function sampleProcess(pid: number): Promise<ProcessSample> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const [, kilobytes] = /^RssAnon:\s*(\d+) kB$/m.exec(status) ?? [];
  if (kilobytes === undefined) throw new Error(`process ${pid} has no RssAnon`);
  return {
    anonymousBytes: Number(kilobytes) * KIB,
    descriptors: (await readdir(`/proc/${pid}/fd`)).length,
  };
}

/** A process of the service: the first one, and the workers. */
export interface SoakedProcess {
  readonly pid: number;
  readonly memory: Sample[];
  /** Descriptors before the clients came, and after they have left. */
  readonly descriptors: { before: number; after: number };
}

/** Finds the processes of a service that has as many workers. */
export async function findProcesses(
  service: ServiceProcess,
  count: number,
): Promise<readonly SoakedProcess[]> {
  const workers = (): number[] =>
    service.logged().flatMap(({ msg, worker }) => (msg === "worker started" ? [worker!] : []));
  await until("all workers have started", () => workers().length === count);
  return Promise.all(
    [service.pid, ...workers()].map(async (pid): Promise<SoakedProcess> => {
      const { descriptors } = await sampleProcess(pid);
      return { pid, memory: [], descriptors: { before: descriptors, after: Number.NaN } };
    }),
  );
}

/** What is sampled while clients use the service. */
export interface SoakSamples {
  /** Of all processes, as the service says. */
  readonly heap: readonly Sample[];
  readonly storeBytes: readonly Sample[];
}

export async function sampleUntil(
  isOver: () => boolean,
  processes: readonly SoakedProcess[],
  metrics: MetricsAddress,
  storeFile: string,
): Promise<SoakSamples> {
  const [heap, storeBytes]: [Sample[], Sample[]] = [[], []];
  while (!isOver()) {
    const at = performance.now() / 1_000;
    for (const { pid, memory } of processes)
      memory.push({ at, value: (await sampleProcess(pid)).anonymousBytes });
    const scrape = await metrics.scrape();
    heap.push({ at, value: scrape.value("membrane_memory_bytes", 'kind="heap_used"') ?? Number.NaN });
    storeBytes.push({ at, value: (await stat(storeFile)).size });
    await sleep(SAMPLE_MS);
  }
  return { heap, storeBytes };
}

/** Other descriptors than before: Node.js opens some when it first needs them. */
export const MORE_DESCRIPTORS = 6;

const GAUGES = [
  "membrane_invocations_in_flight",
  "membrane_open_streams",
  "membrane_client_connections",
  "membrane_target_connections",
  "membrane_sweep_backlog_entries",
] as const;

/** Waits until nothing is in flight, connections that are kept open included. */
export async function untilAtRest(
  metrics: MetricsAddress,
  processes: readonly SoakedProcess[],
): Promise<Readonly<Record<string, number>>> {
  let gauges: Record<string, number> = {};
  await until(
    "the service is at rest",
    async () => {
      const scrape = await metrics.scrape();
      gauges = Object.fromEntries(GAUGES.map((name) => [name, scrape.total(name)]));
      for (const { pid, descriptors } of processes)
        descriptors.after = (await sampleProcess(pid)).descriptors;
      const isQuiet = Object.values(gauges).every((value) => value === 0);
      return (
        isQuiet && processes.every(({ descriptors: { before, after } }) => after <= before + MORE_DESCRIPTORS)
      );
    },
    90_000,
  ).catch(() => undefined);
  return gauges;
}

import { Agent } from "undici";
import { expect, test } from "vitest";
import { call, createMembrane, exportThrough } from "../../../testkit/src/client.ts";
import { initDataDirectory } from "../../../testkit/src/data-directory.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { PATIENT_WRITES, spawnService } from "../../../testkit/src/process.ts";
import { startTarget } from "../../../testkit/src/target.ts";

const PROCESSES = 3;
const CALLERS = 200;
const MAX_USES = 120;

/** Starts processes on one store, and exports a target that counts its uses. */
async function startProcesses(limits: object, uri: string, { count = PROCESSES, workers = 1 } = {}) {
  const data = await initDataDirectory();
  const processes: ServiceProcess[] = [];
  const flags = ["--workers", String(workers), ...PATIENT_WRITES];
  const spawn = (): Promise<ServiceProcess> => spawnService(data.path, { flags });
  for (let i = 0; i < count; i += 1) processes.push(await spawn());
  const [first] = processes as [ServiceProcess, ...ServiceProcess[]];
  const membrane = await createMembrane(first, data.tokens.create, "m");
  const token = await exportThrough(first, membrane.export, { uri, limits });
  const dispatcher = new Agent({ connections: CALLERS });
  return {
    processes,
    spawn,
    /** @returns the status, or nothing if the process ended first. */
    async use(process: ServiceProcess): Promise<number | undefined> {
      const response = await call(process, token, { dispatcher }).catch(() => undefined);
      return response?.status;
    },
    async [Symbol.asyncDispose]() {
      await dispatcher.destroy();
      for (const process of processes) await process[Symbol.asyncDispose]();
      await data[Symbol.asyncDispose]();
    },
  };
}

/** How often each status was found. */
function tally(found: readonly (number | undefined)[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const status of found) counts[String(status)] = (counts[String(status)] ?? 0) + 1;
  return counts;
}

test.each([
  { count: PROCESSES, workers: 1 },
  { count: 1, workers: PROCESSES },
])(
  "200 callers of $count process(es) with $workers worker(s) are admitted exactly as often as the capability may be used",
  async (service) => {
    await using target = await startTarget();
    await using at = await startProcesses({ maxUses: MAX_USES }, target.url, service);
    const found = await Promise.all(
      Array.from({ length: CALLERS }, (_, i) => at.use(at.processes[i % service.count]!)),
    );
    expect(tally(found)).toEqual({ 200: MAX_USES, 401: CALLERS - MAX_USES });
    expect(target.requests).toHaveLength(MAX_USES);
  },
);

test("with processes killed in between, a capability is never used more often than it may be, and loses only what they had in flight", async () => {
  await using target = await startTarget(
    (_request, response) => void setTimeout(() => response.end("ok"), 5),
  );
  await using at = await startProcesses({ maxUses: MAX_USES }, target.url);
  const found: (number | undefined)[] = [];
  let lost = 0;
  const inFlight = new Map<ServiceProcess, number>();
  const use = async (index: number): Promise<void> => {
    const process = at.processes[index % PROCESSES]!;
    inFlight.set(process, (inFlight.get(process) ?? 0) + 1);
    const status = await at.use(process);
    inFlight.set(process, (inFlight.get(process) ?? 0) - 1);
    found.push(status);
  };
  const callers = Array.from({ length: CALLERS }, async (_, i) => {
    await new Promise((resolve) => void setTimeout(resolve, i));
    await use(i);
  });
  for (const [index, afterMs] of [40, 40, 40].entries()) {
    await new Promise((resolve) => void setTimeout(resolve, afterMs));
    const victim = at.processes[index]!;
    lost += inFlight.get(victim) ?? 0;
    await victim.end("SIGKILL");
    at.processes[index] = await at.spawn();
  }
  await Promise.all(callers);
  // The rest, one after the other.
  for (let i = 0; i < 2 * MAX_USES && found.at(-1) !== 401; i += 1) await use(0);
  expect(found.at(-1)).toBe(401);
  const sent = target.requests.length;
  expect(sent).toBeLessThanOrEqual(MAX_USES);
  expect(sent).toBeGreaterThanOrEqual(MAX_USES - lost);
  expect(tally(found)["200"]).toBeLessThanOrEqual(sent);
});

test("a window that three processes share admits exactly what it may", async () => {
  await using target = await startTarget();
  await using at = await startProcesses({ maxUses: 50, maxUsesEveryMs: 3_600_000 }, target.url);
  const found = await Promise.all(
    Array.from({ length: CALLERS }, (_, i) => at.use(at.processes[i % PROCESSES]!)),
  );
  expect(tally(found)).toEqual({ 200: 50, 429: CALLERS - 50 });
  expect(target.requests).toHaveLength(50);
});

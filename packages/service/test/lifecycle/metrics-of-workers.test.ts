import { afterAll, beforeAll, expect, test } from "vitest";
import { createMembrane, exportThrough } from "../../../testkit/src/client.ts";
import { firstTokens } from "../../../testkit/src/data-directory.ts";
import type { MetricsAddress, Scrape } from "../../../testkit/src/metrics.ts";
import { metricsAddress } from "../../../testkit/src/metrics.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { spawnService } from "../../../testkit/src/process.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";

const WORKERS = 2;

/** They go to the workers in turn, so that each worker has some. */
const CONNECTIONS = 8;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let metrics: MetricsAddress;
let service: ServiceProcess;
let target: TestTarget;
let token: string;
/** Invocations that were completed. */
let completed = 0;

beforeAll(async () => {
  directory = await temporaryDirectory();
  metrics = await metricsAddress();
  target = await startTarget();
  service = await spawnService(directory.path, { flags: ["--workers", String(WORKERS), ...metrics.flags] });
  const { create } = await firstTokens(directory.path);
  const membrane = await createMembrane(service, create, "m");
  token = await exportThrough(service, membrane.export, { uri: target.url });
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

async function invokeAtAll(): Promise<void> {
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      await using connection = await openRawConnection(service.port);
      connection.send(requestHead(token));
      expect((await nextResponse(connection)).status).toBe(200);
      completed += 1;
    }),
  );
}

function completedIn(scrape: Scrape): number | undefined {
  return scrape.value("membrane_invocations_total", 'outcome="completed",reason=""');
}

const pids = (): readonly number[] => {
  const of = (event: string): number[] =>
    service.logged().flatMap(({ msg, worker }) => (msg === event && worker !== undefined ? [worker] : []));
  const ended = new Set(of("worker ended"));
  return of("worker started").filter((pid) => !ended.has(pid));
};

test("one scrape has what all workers have counted, added up", async () => {
  await invokeAtAll();
  const scrape = await metrics.scrape();
  expect(completedIn(scrape)).toBe(completed);
  expect(scrape.value("membrane_gateway_duration_seconds_count")).toBe(completed);
  expect(scrape.value("membrane_target_responses_total", 'class="2xx"')).toBe(completed);
  expect(scrape.value("membrane_workers")).toBe(WORKERS);
  expect(scrape.value("membrane_workers_responding")).toBe(WORKERS);
  // Each worker has read the record once, and has it in its cache.
  expect(scrape.value("membrane_cache_lookups_total", 'result="miss"')).toBeGreaterThan(1);
  expect(scrape.value("membrane_ready")).toBe(1);
  expect(await metrics.status("/readyz")).toBe(200);
});

test("no count falls when a worker is killed, and its successor's are added", async () => {
  await invokeAtAll();
  const before = await metrics.scrape();
  const [killed] = pids();
  process.kill(killed!, "SIGKILL");
  await expect.poll(() => pids()).not.toContain(killed);
  expect(completedIn(await metrics.scrape())).toBe(completed);
  await expect.poll(async () => (await metrics.scrape()).value("membrane_workers_responding")).toBe(WORKERS);
  await invokeAtAll();
  const after = await metrics.scrape();
  expect(completedIn(after)).toBe(completed);
  expect(after.value("membrane_target_duration_seconds_count")).toBe(completed);
  expect(after.value("membrane_process_start_time_seconds")).toBe(
    before.value("membrane_process_start_time_seconds"),
  );
});

test("a worker that is stopped delays a scrape for seconds at most, is reported, and loses no counts", async () => {
  await invokeAtAll();
  await metrics.scrape();
  const [stopped] = pids();
  process.kill(stopped!, "SIGSTOP");
  try {
    const begun = performance.now();
    const scrape = await metrics.scrape();
    expect(performance.now() - begun).toBeLessThan(8_000);
    expect(scrape.value("membrane_workers_responding")).toBe(WORKERS - 1);
    expect(completedIn(scrape)).toBe(completed);
  } finally {
    process.kill(stopped!, "SIGCONT");
  }
  await expect.poll(async () => (await metrics.scrape()).value("membrane_workers_responding")).toBe(WORKERS);
});

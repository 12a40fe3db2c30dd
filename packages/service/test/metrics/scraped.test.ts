import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createMembrane, expectStatus, exportThrough } from "../../../testkit/src/client.ts";
import { firstTokens } from "../../../testkit/src/data-directory.ts";
import type { MetricsAddress } from "../../../testkit/src/metrics.ts";
import { metricsAddress } from "../../../testkit/src/metrics.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { spawnService } from "../../../testkit/src/process.ts";
import type { TestPrometheus } from "../../../testkit/src/prometheus.ts";
import { checkMetrics, startPrometheus } from "../../../testkit/src/prometheus.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { until } from "../../../testkit/src/until.ts";
import { METRIC_NAMES, METRICS } from "../../src/telemetry/metrics/definitions.ts";
import { dashboardExpressions } from "../support/dashboard.ts";

/* A Prometheus of Debian, with the configuration that operators get, scrapes two workers. */

const INVOCATIONS = 50;

/** How long the target takes, in milliseconds. */
const TARGET_MS = 200;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let metrics: MetricsAddress;
let service: ServiceProcess;
let target: TestTarget;
let prometheus: TestPrometheus;
let token: string;

beforeAll(async () => {
  directory = await temporaryDirectory();
  metrics = await metricsAddress();
  service = await spawnService(directory.path, { flags: ["--workers", "2", ...metrics.flags] });
  target = await startTarget((_request, response) => void setTimeout(() => response.end("ok"), TARGET_MS));
  prometheus = await startPrometheus(metrics.port);
  await until("a scrape has succeeded", async () => (await valueOf('up{job="membrane"}')) === 1);
  const { create } = await firstTokens(directory.path);
  const membrane = await createMembrane(service, create, "m");
  token = await exportThrough(service, membrane.export, { uri: target.url });
  for (let done = 0; done < INVOCATIONS; done += 10)
    await Promise.all(Array.from({ length: 10 }, async () => expectStatus(await call(service, token), 200)));
  expectStatus(await call(service, token, { path: "/other" }), 404);
});

afterAll(async () => {
  await prometheus[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

/** Evaluates an expression that has one value. */
async function valueOf(query: string): Promise<number | undefined> {
  const { result } = await prometheus.api("query", { query });
  return result[0] === undefined ? undefined : Number(result[0].value[1]);
}

test("promtool finds nothing wrong with a scrape", async () => {
  const { text } = await metrics.scrape();
  expect(await checkMetrics(text)).toBe("");
});

test("Prometheus has every metric with the type and the help of its definition", async () => {
  const metadata = await prometheus.api("metadata");
  for (const name of METRIC_NAMES) {
    const { type, help, only } = METRICS[name];
    if (only === undefined) expect(metadata[name]).toEqual([{ type, help: `${help}.`, unit: "" }]);
    else expect(metadata[name] ?? [{ type }]).toMatchObject([{ type }]);
  }
});

test("what was counted arrives in Prometheus, of both workers together", async () => {
  const completed = 'membrane_invocations_total{outcome="completed"}';
  await until("the invocations were scraped", async () => (await valueOf(completed)) === INVOCATIONS);
  expect(await valueOf('membrane_invocations_total{reason="path_not_found"}')).toBe(1);
  expect(await valueOf("membrane_target_duration_seconds_count")).toBe(INVOCATIONS);
  expect(await valueOf("membrane_workers_responding")).toBe(2);
});

test("the 99th percentile that Prometheus reads is the time that the target took, within 10 %", async () => {
  const p99 = await valueOf("histogram_quantile(0.99, membrane_target_duration_seconds_bucket)");
  // A busy machine makes a target slower, and never faster.
  expect(p99).toBeGreaterThan((TARGET_MS / 1_000) * 0.9);
  const exact = await valueOf(
    "membrane_target_duration_seconds_sum / membrane_target_duration_seconds_count",
  );
  const median = await valueOf("histogram_quantile(0.5, membrane_target_duration_seconds_bucket)");
  expect(median! / exact!).toBeGreaterThan(0.8);
  expect(median! / exact!).toBeLessThan(1.1);
});

test("every expression of the dashboard has a result, or is of what this service does not have", async () => {
  // A rate needs two scrapes, and a series is new with its first refusal.
  expectStatus(await call(service, token, { path: "/other" }), 404);
  const expressions = await dashboardExpressions();
  const empty = async (): Promise<readonly string[]> => {
    const titles: string[] = [];
    for (const { title, expr } of expressions) {
      const { result } = await prometheus.api("query", { query: expr });
      if (result.length === 0) titles.push(title);
    }
    return titles;
  };
  await expect
    .poll(empty)
    .toEqual([
      "Refused because of a limit",
      "Age of the lease",
      "Certificate expires in",
      "Audit trail behind",
      "Spans",
      "Spans",
      "Spans that wait",
      "Audit lines lost",
      "Starts",
    ]);
});

test("Prometheus evaluates every alert, and none fires for a service that is well", async () => {
  await until("the rules were evaluated", async () => {
    const { groups } = await prometheus.api("rules");
    return groups[0].rules.every(({ health }: { readonly health: string }) => health === "ok");
  });
  // A service that has just started is slow, for less time than an alert waits.
  const { alerts } = await prometheus.api("alerts");
  expect(alerts.filter(({ state }: { readonly state: string }) => state === "firing")).toEqual([]);
});

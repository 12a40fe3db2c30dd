import { expect, test } from "vitest";
import { MORE_DESCRIPTORS } from "../support/soak/process-samples.ts";
import { soak } from "../support/soak/soak.ts";
import type { Sample, Trend } from "../support/soak/trend.ts";
import { trendOf } from "../support/soak/trend.ts";

/*
 * A service over LMDB with two workers, TLS and metrics, which clients use in every way for SOAK_MINUTES (20): exports, re-exports,
 * limits, expiry, revokes, streams, uploads, WebSockets, hostile connections, and backups in between. Its audit trail is moved to another
 * file now and then, and verified at the end.
 */

const MINUTES = Number(process.env["SOAK_MINUTES"] ?? 20);

/** The part of the time after which memory should no longer grow. */
const WARM_UP = 0.3;

/** How much the line through the memory of a process, or through the heap of all, may grow from the end of the warm-up. */
const MAX_GROWTH_BYTES = 12 * 2 ** 20;

/** How much of the file each revoked membrane may take: its record and its `revoke` capability stay. */
const MAX_BYTES_PER_REVOKED = 4_096;

/** What the log may have at these levels: clients leave. */
const EXPECTED_COMPLAINTS: ReadonlySet<string> = new Set([
  "warn: check the configuration",
  "warn: response aborted",
]);

function afterWarmUp(samples: readonly Sample[]): readonly Sample[] {
  return samples.slice(Math.floor(samples.length * WARM_UP));
}

function describeTrend(name: string, { perMinute, growth, first, last }: Trend): string {
  const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(2)} MiB`;
  return `${name}: ${megabytes(first)} to ${megabytes(last)}, ${megabytes(perMinute)} a minute, ${megabytes(growth)} in all\n`;
}

test(
  `in ${MINUTES} minutes no memory, descriptor or request is left behind, and the log has no complaint`,
  async () => {
    const found = await soak(MINUTES);
    const trends = new Map([
      ...found.processes.map(
        ({ pid, memory }, index) => [`process ${index} (${pid})`, trendOf(afterWarmUp(memory))] as const,
      ),
      ["heaps of all", trendOf(afterWarmUp(found.heap))] as const,
    ]);
    const store = trendOf(found.storeBytes);
    const report = [
      ...[...found.counts].map(([name, count]) => `${name}: ${count}\n`),
      ...[...trends].map(([name, trend]) => describeTrend(name, trend)),
      describeTrend("store", store),
      ...found.processes.map(
        ({ pid, descriptors }) => `descriptors of ${pid}: ${descriptors.before}, then ${descriptors.after}\n`,
      ),
    ];
    report.push(`at the end: ${JSON.stringify(found.gaugesAtTheEnd)}\n`);
    process.stdout.write(report.join(""));

    expect(found.failures.slice(0, 20)).toEqual([]);
    expect([...found.complaints].filter(([text]) => !EXPECTED_COMPLAINTS.has(text))).toEqual([]);
    for (const [name, value] of Object.entries(found.gaugesAtTheEnd))
      expect({ name, value }).toEqual({ name, value: 0 });
    for (const { pid, descriptors } of found.processes)
      expect({ pid, more: descriptors.after - descriptors.before }).toSatisfy(
        ({ more }: { readonly more: number }) => more <= MORE_DESCRIPTORS,
      );
    for (const [name, { growth }] of trends)
      expect({ name, growth }).toSatisfy((trend: Pick<Trend, "growth">) => trend.growth < MAX_GROWTH_BYTES);
    expect(store.growth / found.revoked).toBeLessThan(MAX_BYTES_PER_REVOKED);
  },
  (MINUTES + 10) * 60_000,
);

import { defineConfig } from "vitest/config";

/** What waits for disks, processes and clocks, or plays for long: nearly all of the time that a whole run takes. */
const SLOW = [
  "lifecycle/backup",
  "lifecycle/commands",
  "limits/record-quotas",
  "lifecycle/doctor",
  "crash/durability",
  "lifecycle/first-profile",
  "crash/full-disk",
  "fuzz/*",
  "hostile-memory",
  "lifecycle/lifecycle.property",
  "limits/linear-work",
  "memory",
  "lifecycle/operator",
  "limits/timeouts",
  "limits/pipelined-memory",
  "lifecycle/query-paging",
  "crash/races",
  "crash/stopped-writer",
  "lifecycle/unusable-data-directories",
  "limits/streaming-memory",
  "security/tampering",
  "limits/tiny-chunks",
  "lifecycle/two-processes",
  "crash/unwritable-log",
  "lifecycle/workers",
];

/** `--mode quick` leaves out what is slow. */
export default defineConfig(({ mode }) => ({
  test: {
    include: ["packages/*/{src,test}/**/*.test.ts", "examples/**/*.test.ts"],
    exclude: [
      "**/dist/**",
      "**/node_modules/**",
      "packages/service/test/nginx/**",
      ...(mode === "quick" ? SLOW.map((name) => `packages/*/test/${name}.test.ts`) : []),
    ],
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
}));

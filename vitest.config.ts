import { defineConfig } from "vitest/config";

/** What waits for disks, processes and clocks, or plays for long: nearly all of the time that a whole run takes. */
const SLOW = [
  "backup",
  "commands",
  "counted",
  "doctor",
  "durability",
  "first-profile",
  "full-disk",
  "fuzz-*",
  "hostile-memory",
  "life-cycle.property",
  "linear-work",
  "memory",
  "operator",
  "pace",
  "pipelined-memory",
  "query-paging",
  "races",
  "stopped-writer",
  "strange-places",
  "streaming-memory",
  "tampering",
  "tiny-pieces",
  "two-processes",
  "unwritable-log",
  "workers",
];

/** `--mode quick` leaves out what is slow. */
export default defineConfig(({ mode }) => ({
  test: {
    include: ["packages/*/{src,test}/**/*.test.ts", "examples/**/*.test.ts"],
    exclude: [
      "**/dist/**",
      "**/node_modules/**",
      ...(mode === "quick" ? SLOW.map((name) => `packages/*/test/${name}.test.ts`) : []),
    ],
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
}));

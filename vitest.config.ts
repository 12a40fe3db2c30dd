import { defineConfig } from "vitest/config";

/** What waits for disks, processes and clocks, or plays for long: all of it is two thirds of a run. */
const SLOW = [
  "durability",
  "two-processes",
  "fuzz-*",
  "streaming-memory",
  "pace",
  "races",
  "life-cycle.property",
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

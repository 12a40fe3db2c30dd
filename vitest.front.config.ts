import { defineConfig } from "vitest/config";

/** Tests that need a program which npm does not install: nginx. */
export default defineConfig({
  test: {
    include: ["packages/*/front/**/*.test.ts"],
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});

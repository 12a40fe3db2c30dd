import { defineConfig } from "vitest/config";

/** What needs nginx, which a machine may not have: no part of `npm test`. */
export default defineConfig({
  test: {
    include: ["packages/service/test/nginx/**/*.test.ts"],
    exclude: ["**/dist/**", "**/node_modules/**"],
    maxWorkers: 2,
    testTimeout: 120_000,
  },
});

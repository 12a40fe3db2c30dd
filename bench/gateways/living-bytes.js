// `node --expose-gc --import …`: at SIGUSR2 the program collects its garbage, and writes to the file in BENCH_LIVING how many bytes are left.
import { renameSync, writeFileSync } from "node:fs";
import process from "node:process";

const file = process.env["BENCH_LIVING"] ?? "";

process.on("SIGUSR2", () => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  writeFileSync(`${file}.part`, String(heapUsed + external));
  renameSync(`${file}.part`, file);
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Writes to the store in a loop, one commit with its flush after the other. */
const WRITE_SCRIPT = `
import { open } from "lmdb";
import { openCommitGate } from "./dist/store/lmdb/commit-gate.js";
const gate = openCommitGate(process.argv[1]);
const root = await gate.hold(() => open({ path: process.argv[1], maxDbs: 16, noSubdir: false }));
const table = await gate.hold(() => root.openDB({ name: "lookups", encoding: "binary", keyEncoding: "binary" }));
process.stdout.write("writing\\n");
const end = Date.now() + 120_000;
while (Date.now() < end) {
  await gate.hold(() => root.transaction(() => table.putSync(Buffer.from("none"), Buffer.alloc(16))));
  await root.flushed;
}
`;

/** Another process that writes to a store continuously, and can be stopped at any point. */
export interface ContinuousWriter extends AsyncDisposable {
  stop(): void;
  resume(): void;
}

export async function startContinuousWriter(data: string): Promise<ContinuousWriter> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", WRITE_SCRIPT, join(data, "store")], {
    cwd: fileURLToPath(new URL("../../service", import.meta.url)),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  await Promise.race([
    once(child.stdout, "data"),
    ended.then(() => {
      throw new Error("the other writer did not start");
    }),
  ]);
  return {
    stop: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

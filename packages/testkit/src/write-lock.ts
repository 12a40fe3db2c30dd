import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Begins the store's only write transaction as a service does, reports it, and holds it until its standard input ends. */
const HOLD_SCRIPT = `
import { readFileSync } from "node:fs";
import { open } from "lmdb";
import { openCommitGate } from "./dist/store/lmdb/commit-gate.js";
await openCommitGate(process.argv[1]).hold(() => {
  const root = open({ path: process.argv[1], maxDbs: 16, noSubdir: false });
  root.transactionSync(() => {
    process.stdout.write("held\\n");
    readFileSync(0);
  });
});
`;

/** Starts another process that holds the write transaction of a data directory's store. */
export async function holdWriteLock(data: string): Promise<{ release(): Promise<void> } & AsyncDisposable> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", HOLD_SCRIPT, join(data, "store")], {
    cwd: fileURLToPath(new URL("../../service", import.meta.url)),
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  await Promise.race([
    once(child.stdout, "data"),
    ended.then(() => {
      throw new Error("the store's write transaction was not taken");
    }),
  ]);
  const release = async (): Promise<void> => {
    child.stdin.end();
    await ended;
  };
  return { release, [Symbol.asyncDispose]: release };
}

// Begins the only write transaction of a store, prints a line without a port, and stops within the transaction, as by SIGSTOP from
// another process.
import { writeSync } from "node:fs";
import { join } from "node:path";
import { open } from "lmdb";
import { openCommitGate } from "../../packages/service/dist/store/lmdb/commit-gate.js";

const path = join(process.argv[2] ?? "", "store");
await openCommitGate(path).hold(() => {
  const root = open({ path, maxDbs: 16, noSubdir: false });
  root.transactionSync(() => {
    writeSync(1, '{"port":0}\n');
    process.kill(process.pid, "SIGSTOP");
  });
});

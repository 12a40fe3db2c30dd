// Takes the one write transaction of a store, says so with a line that names no port, and stops within it, as by SIGSTOP from
// outside.
import { writeSync } from "node:fs";
import { join } from "node:path";
import { open } from "lmdb";

const root = open({ path: join(process.argv[2] ?? "", "store"), maxDbs: 16, noSubdir: false });
root.transactionSync(() => {
  writeSync(1, '{"port":0}\n');
  process.kill(process.pid, "SIGSTOP");
});

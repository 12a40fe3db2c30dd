import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openConnection } from "../../service/src/store/postgres/connection.ts";
import { databaseOf } from "./postgres-engine.ts";

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

/** What keeps a store from writing until it is released. */
export interface WriteLock extends AsyncDisposable {
  /** Whether a revoke waits for it, too. It is then written before a use that waits. */
  readonly holdsRevokes: boolean;
  release(): Promise<void>;
}

/** Starts another process that holds the write transaction of a data directory's store in LMDB. */
export async function holdLmdbWriteLock(data: string): Promise<WriteLock> {
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
  return { holdsRevokes: true, release, [Symbol.asyncDispose]: release };
}

const COUNT_OF_USES = 3;

/** Begins a transaction that holds what creations and counted uses in a database wait for. */
export async function holdPostgresWriteLock(data: string): Promise<WriteLock> {
  const connection = openConnection(await databaseOf(join(data, "store")), 10_000);
  await connection.begin();
  await connection.query("LOCK TABLE membrane.lookup IN EXCLUSIVE MODE");
  await connection.query(`SELECT FROM membrane.count WHERE kind = ${COUNT_OF_USES} FOR UPDATE`);
  return { holdsRevokes: false, release: connection.close, [Symbol.asyncDispose]: connection.close };
}

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { TABLE_NAMES } from "../../service/src/store/lmdb/schema.ts";
import type { RawRecord, RawStore, TableName } from "./raw-store.ts";

type Request =
  | { readonly read: readonly TableName[] }
  | { readonly write: TableName; readonly key: Buffer; readonly value: Buffer | undefined };

const SCRIPT = `
import { open } from "lmdb";
import { openCommitGate } from "./dist/store/lmdb/commit-gate.js";
const gate = openCommitGate(process.argv[1]);
const root = await gate.hold(() => open({ path: process.argv[1], maxDbs: 16, noSubdir: false }));
const names = JSON.parse(process.argv[2]);
const open_ = (name) => root.openDB({ name, encoding: "binary", keyEncoding: "binary" });
const tables = await gate.hold(() => Object.fromEntries(names.map((name) => [name, open_(name)])));
const read = (name) => Array.from(tables[name].getRange({}), ({ key, value }) => [name, Buffer.from(key), Buffer.from(value)]);
const write = ({ write: name, key, value }) =>
  value === undefined ? tables[name].removeSync(key) : tables[name].putSync(key, value);
process.on("message", async (request) => {
  if (request.read !== undefined) {
    root.resetReadTxn();
    process.send(request.read.flatMap(read));
  } else {
    await gate.hold(() => root.transaction(() => write(request)));
    await root.flushed;
    process.send([]);
  }
});
process.on("disconnect", () => process.exit());
process.send("ready");
`;

/**
 * The tables of LMDB, from another process: LMDB must not be opened twice in one process.
 *
 * @param data the data directory; a service may have its store open at the same time.
 */
export async function openRawLmdb(data: string): Promise<RawStore> {
  const child = spawn(
    process.execPath,
    ["--input-type=module", "-e", SCRIPT, join(data, "store"), JSON.stringify(TABLE_NAMES)],
    {
      cwd: fileURLToPath(new URL("../../service", import.meta.url)),
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      serialization: "advanced",
    },
  );
  const ended = once(child, "exit");
  const response = async (): Promise<readonly unknown[]> => {
    const [message] = await Promise.race([
      once(child, "message"),
      ended.then(() => {
        throw new Error("the process that reads and writes the store ended");
      }),
    ]);
    return message;
  };
  await response();
  let last: Promise<unknown> = Promise.resolve();
  /** Sends one request after another: responses have no number. */
  const send = async <T>(request: Request, parse: (rows: readonly unknown[]) => T): Promise<T> => {
    const result = last.then(() => {
      const received = response();
      child.send(request);
      return received;
    });
    last = result.catch(() => undefined);
    return parse(await result);
  };
  return {
    rows: (name) => send({ read: name === undefined ? TABLE_NAMES : [name] }, (rows) => rows.map(parseRow)),
    write: (name, key, value) => send({ write: name, key, value }, () => undefined),
    async [Symbol.asyncDispose]() {
      await last;
      child.disconnect();
      await ended;
    },
  };
}

function parseRow(row: unknown): RawRecord {
  const [name, key, value] = Array.isArray(row) ? row : [];
  const table = TABLE_NAMES.find((known) => known === name);
  if (table === undefined || !(key instanceof Uint8Array) || !(value instanceof Uint8Array))
    throw new Error("the process that reads the store sent no row");
  return { table, key: Buffer.from(key), value: Buffer.from(value) };
}

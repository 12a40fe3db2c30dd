import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { run } from "../../../../testkit/src/run.ts";
import { temporaryDirectory } from "../../../../testkit/src/temporary-directory.ts";

const moduleOf = (name: string): string =>
  JSON.stringify(fileURLToPath(new URL(`../../../dist/store/lmdb/${name}.js`, import.meta.url)));

const FULL = "No space left on device";
const WRITE = "Attempting to write page at position 8192, size 4096, blocks 1, buffer sizes";
const TOO_LONG = `${FULL}: ${WRITE} 4096 -1061204801 -1838939553`;

/** Runs lines in another process that has the functions of the module and an error `error`, and goes on for some turns of its loop. */
async function runWith(message: string, lines: string) {
  const script = `
    import { setTimeout as delay } from "node:timers/promises";
    import * as errors from ${moduleOf("lmdb-errors")};
    import { openEnvironment } from ${moduleOf("environment")};
    import { createWriter } from ${moduleOf("writer")};
    // As the program does: an exit would wait for the thread that writes.
    process.on("uncaughtException", (error) => {
      console.error(error.name);
      process.kill(process.pid, "SIGKILL");
    });
    const error = Object.assign(new Error(${JSON.stringify(message)}), { code: 28 });
    ${lines}
    await delay(10);
    console.log("goes on");
    process.exit();`;
  return run(process.execPath, ["--input-type=module", "-e", script], { env: process.env });
}

const NAME = "console.log(errors.lmdbErrorCode(error));";

test.each([FULL, `${FULL}: ${WRITE} 4096 0 0`, `${FULL}: ${WRITE} 4096 1688371031 -475400630`])(
  "after a failed write with a message for which LMDB has room the process goes on: %s",
  async (message) => {
    expect(await runWith(message, `${NAME} errors.endIfMemoryIsDamaged(error);`)).toMatchObject({
      code: 0,
      stdout: "ENOSPC\ngoes on\n",
    });
  },
);

test("to name an error, whatever its message, does nothing else", async () => {
  const lines = `${NAME} console.log(await errors.commitErrorCode(error));`;
  expect(await runWith(TOO_LONG, lines)).toMatchObject({ code: 0, stdout: "ENOSPC\nENOSPC\ngoes on\n" });
});

/** What a commit of LMDB is rejected with. */
const REJECTED = `Promise.reject(Object.assign(new Error("Commit failed"), { commitError: Promise.reject(error) }))`;

test.each([
  ["a write", "environment.write(() => { throw error; })"],
  [
    "a write while no other process has the store",
    "environment.exclusively((commit) => commit(() => { throw error; }))",
  ],
  [
    "a commit",
    `createWriter(
       { root: { transaction: () => ${REJECTED}, resetReadTxn() {}, getBinaryFast() {}, getStats: () => ({ lastTxnId: 0 }) }, gate: { hold: (act) => act() }, tables: [] },
       { deadlineMs: 1_000, reserveBytes: 0, report() {} },
     ).write(() => undefined)`,
  ],
])(
  "a message of LMDB that is longer than its buffer ends the process, whose memory is damaged: %s",
  async (_name, act) => {
    await using directory = await temporaryDirectory();
    const path = JSON.stringify(join(directory.path, "store"));
    const lines = `
      const environment = await openEnvironment(${path}, 1_000);
      console.log("open");
      await ${act}.catch(() => undefined);`;
    expect(await runWith(FULL, lines)).toMatchObject({ code: 0, stdout: "open\ngoes on\n", stderr: "" });
    const { code, stdout, stderr } = await runWith(TOO_LONG, lines);
    expect([code, stdout, stderr]).toEqual([null, "open\n", "DamagedMemoryError\n"]);
  },
);

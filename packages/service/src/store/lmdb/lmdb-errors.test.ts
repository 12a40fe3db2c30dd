import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { run } from "../../../../testkit/src/run.ts";

const MODULE = fileURLToPath(new URL("../../../dist/store/lmdb/lmdb-errors.js", import.meta.url));

/** Reads the code of an error with this message in another process, which goes on for some turns of its loop. */
async function readCode(message: string) {
  const script = `
    import { setTimeout as delay } from "node:timers/promises";
    import { lmdbErrorCode } from ${JSON.stringify(MODULE)};
    console.log(lmdbErrorCode(Object.assign(new Error(${JSON.stringify(message)}), { code: 28 })));
    await delay(10);
    console.log("goes on");`;
  return run(process.execPath, ["--input-type=module", "-e", script], { env: process.env });
}

const FULL = "No space left on device";
const WRITE = "Attempting to write page at position 8192, size 4096, blocks 1, buffer sizes";

test.each([FULL, `${FULL}: ${WRITE} 4096 0 0`, `${FULL}: ${WRITE} 4096 1688371031 -475400630`])(
  "after a failed write with a message for which LMDB has room the process goes on: %s",
  async (message) => {
    expect(await readCode(message)).toMatchObject({ code: 0, stdout: "ENOSPC\ngoes on\n" });
  },
);

test("a message of LMDB that is longer than its buffer ends the process, whose memory is damaged", async () => {
  const { code, stdout, stderr } = await readCode(`${FULL}: ${WRITE} 4096 -1061204801 -1838939553`);
  expect([code, stdout]).toEqual([1, "ENOSPC\n"]);
  expect(stderr).toContain("DamagedMemoryError");
});

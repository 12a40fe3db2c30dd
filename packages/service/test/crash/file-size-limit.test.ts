import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { run } from "../../../testkit/src/run.ts";

/** The limit in KiB, as for `ulimit -f`. */
const LIMIT = 6_000;

/** Fills a store, then writes small and large records in turn, and revokes; prints each result as JSON. */
const PLAY = `
import { openEnvironment } from ${JSON.stringify(fileURLToPath(new URL("../../dist/store/lmdb/environment.js", import.meta.url)))};
console.error = () => undefined;
const conditions = [];
const report = (condition) => conditions.push(condition);
const environment = await openEnvironment(process.argv[1], 30_000, { reserveBytes: 1_048_576, report });
const put = async (name, kind, size) => {
  const request = { class: kind, owner: { tenant: "", capability: "" }, cost: 1, requiredBytes: 65_536 + size };
  const write = () => environment.tables.meta.putSync(Buffer.from(name), Buffer.alloc(size));
  return environment.write(write, request).then(() => "written", (error) => error.name);
};
let filled = 0;
while (filled < 2_000 && (await put("large" + filled, "create", 20_000)) === "written") filled += 1;
const rounds = [];
for (let i = 0; i < 100; i += 1) {
  rounds.push([await put("revoke" + (i % 20), "revoke", 100), await put("large", "create", 500_000)]);
}
await environment.close();
process.stdout.write(JSON.stringify({ conditions, filled, rounds }));
`;

test("a limit on the file size is like a full disk: only revokes are written, and the state is logged once", async () => {
  await using directory = await temporaryDirectory();
  const command = `ulimit -f ${LIMIT}; exec "$0" --input-type=module -e "$1" "$2"`;
  const args = ["-c", command, process.execPath, PLAY, join(directory.path, "store")];
  const { code, stdout, stderr } = await run("/bin/bash", args, { env: process.env });
  expect([code, stderr]).toEqual([0, ""]);
  const { conditions, filled, rounds } = JSON.parse(stdout) as {
    readonly conditions: readonly object[];
    readonly filled: number;
    readonly rounds: readonly (readonly string[])[];
  };
  expect(filled).toBeGreaterThan(50);
  expect(new Set(rounds.map((round) => round.join()))).toEqual(new Set(["written,StoreFullError"]));
  expect(conditions).toEqual([{ state: "full", cause: "EFBIG" }]);
});

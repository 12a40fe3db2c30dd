import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { encodeRow } from "../../src/store/codec/authenticated-row.ts";
import { FORMAT_KEY, formatColumns } from "../../src/store/codec/format-row.ts";
import { checkValueOf, createServiceKeys } from "../../src/store/keys.ts";
import { call, createMembrane, expectStatus, exportThrough } from "../../../testkit/src/client.ts";
import { firstTokens } from "../../../testkit/src/data-directory.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { run } from "../../../testkit/src/run.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { KeyPlace } from "../support/key-place.ts";
import { makeKeyPlace } from "../support/key-place.ts";
import { preload } from "../support/preload.ts";

/* No store is opened whose rows are under a key that is marked as retired: with a stolen one, an old store undoes what was revoked. */

const ENGINES = ["lmdb", "postgres"] as const;

const REFUSED =
  /the store is under the service key \d+ \([0-9a-f]{8}\), which line 1 of the service key file marks as retired: .* remove the word "retired" from that line, and run "membrane key rotate" before the service starts/;

const LISTEN = ["--listen", "127.0.0.1:0", "--authority", "membrane.test", "--no-tls"];
const SERVE = ["serve", ...LISTEN];

/** Makes a new key the one in use, after a capability was exported and revoked. */
async function rotatedPlace(engine: (typeof ENGINES)[number], target: string) {
  const place = await makeKeyPlace(engine);
  let token: string;
  let revoke: string;
  {
    await using service = await place.start();
    const membrane = await createMembrane(service, (await firstTokens(place.data)).create, "m");
    token = await exportThrough(service, membrane.export, { uri: target });
    ({ revoke } = membrane);
    await service.end("SIGTERM");
  }
  const putBack = await place.copyStore();
  {
    await using service = await place.start();
    expectStatus(await call(service, revoke, { method: "POST" }), 202);
    await service.end("SIGTERM");
  }
  const [old] = await place.lines();
  expect(await place.run(["key", "rotate"])).toMatchObject({ code: 0 });
  const [marked, recent] = await place.lines();
  expect(marked).toBe(`retired ${old}`);
  await expectUse(place, token, 401);
  return {
    place,
    token,
    old: old!,
    recent: recent!,
    putBack,
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  };
}

async function expectUse({ start }: KeyPlace, token: string, status: number): Promise<void> {
  await using service = await start();
  expectStatus(await call(service, token), status);
  await service.end("SIGTERM");
}

/** The advice on the service key in the log of a start. */
function warningsOf(service: ServiceProcess): readonly (string | undefined)[] {
  return service
    .logged()
    .filter(({ msg, subject }) => msg === "check the configuration" && subject === "service key")
    .map(({ problem }) => problem);
}

test.each(ENGINES)(
  "an old store that is put back with its stolen key is refused by every command, and without the mark it is served, over %s",
  async (engine) => {
    await using target = await startTarget();
    await using rotated = await rotatedPlace(engine, target.url);
    const { place, token, old, recent, putBack } = rotated;
    await putBack();
    const backup = join(place.data, "..", "backup");
    await mkdir(backup);
    for (const words of [
      SERVE,
      [...SERVE, "--workers", "2"],
      ["tenant", "list"],
      ["membrane", "list", "--tenant", "default"],
      ["leaked"],
      ["audit", "verify", "/dev/null"],
      ["key", "status"],
      ["key", "retire"],
      ["key", "rotate"],
      ["key", "drop", "1", "--forgets", "0"],
      ...(engine === "lmdb" ? [["backup", backup]] : []),
    ]) {
      const refused = await place.run(words);
      expect([refused.code, refused.stdout], words.join(" ")).toEqual([1, ""]);
      expect(refused.stderr, words.join(" ")).toMatch(REFUSED);
      for (const key of [old, recent]) expect(refused.stderr).not.toContain(key.slice(0, 8));
    }
    const checked = await place.run(["doctor", ...LISTEN]);
    expect(checked).toMatchObject({ code: 1, stdout: expect.stringMatching(/^FAIL {2}store: /m) });
    expect(checked.stdout).toMatch(REFUSED);
    expect(await place.lines()).toEqual([`retired ${old}`, recent]);

    // Who has the old key can also write a format row that names the other key as an older one.
    const stolen = createServiceKeys(Buffer.from(old, "hex"));
    const keys = [
      { keyVersion: 3, checkValue: stolen.checkValue },
      { keyVersion: 2, checkValue: checkValueOf(Buffer.from(recent, "hex")) },
    ];
    const columns = formatColumns({ storeId: "ab".repeat(16), keys });
    await place.writeFormat(encodeRow("meta", FORMAT_KEY, columns, stolen));
    const refused = await place.run(SERVE);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(REFUSED) });

    // What the mark prevents.
    await place.writeLines([old, recent]);
    await expectUse(place, token, 200);
  },
);

test.each(ENGINES)(
  "an old store is taken on purpose once its key is not marked, and a rotation marks it again, over %s",
  async (engine) => {
    await using target = await startTarget();
    await using rotated = await rotatedPlace(engine, target.url);
    const { place, token, old, recent, putBack } = rotated;
    await putBack();
    expect(await place.run(["key", "rotate"])).toMatchObject({ code: 1 });
    await place.writeLines([old, recent]);
    expect(await place.run(["key", "rotate"])).toMatchObject({ code: 0 });
    // With the key that was there.
    expect(await place.lines()).toEqual([`retired ${old}`, recent]);
    // What was revoked since the copy is to be revoked again.
    await expectUse(place, token, 200);
    await putBack();
    expect(await place.run(SERVE)).toMatchObject({ code: 1, stderr: expect.stringMatching(REFUSED) });
  },
);

/** Makes JavaScript with which the service key file cannot be replaced. */
const READ_ONLY_FILE = preload(`
  import fs from "node:fs";
  import { syncBuiltinESMExports } from "node:module";
  const original = fs.promises.rename;
  fs.promises.rename = (from, to) =>
    to.endsWith("service.key") ? Promise.reject(Object.assign(new Error("EROFS"), { code: "EROFS" })) : original(from, to);
  syncBuiltinESMExports();`);

test.each(ENGINES)(
  "where the key file cannot be written, a rotation says how to mark it, and so does each start, status and doctor until it is done, over %s",
  async (engine) => {
    await using target = await startTarget();
    await using rotated = await rotatedPlace(engine, target.url);
    const { place, old, recent } = rotated;
    const next = "0123456789abcdef".repeat(4);
    await place.writeLines([`retired ${old}`, recent, next]);
    const done = await place.run(["key", "rotate"], READ_ONLY_FILE);
    expect(done).toMatchObject({ code: 0 });
    expect(await place.lines()).toEqual([`retired ${old}`, recent, next]);
    const command = `sed -i '2s/^[0-9a-f]/retired &/' ${place.keyFile}`;
    expect(done.stdout).toContain(
      `put "retired " before the key in line 2 of ${place.keyFile}, as with: ${command}\n`,
    );

    const warning = `line 2 of ${place.keyFile} has an older key that is not marked as retired`;
    {
      await using service = await place.start();
      expect(warningsOf(service)).toEqual([expect.stringContaining(warning)]);
      expect(warningsOf(service)[0]).toContain('"membrane key retire" marks it');
      await service.end("SIGTERM");
    }
    const doctor = () => place.run(["doctor", ...LISTEN]);
    expect((await doctor()).stdout).toContain(`warn  service key: ${warning}`);
    expect((await place.run(["key", "status"])).stdout).toContain(`Warning: ${warning}`);
    const status = await place.run(["key", "status", "--json"]);
    expect(JSON.parse(status.stdout)).toMatchObject({ unretiredLines: [2] });
    const refused = await place.run(["key", "retire"], READ_ONLY_FILE);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain(
      `${place.keyFile}: cannot be written: put "retired " before the key in line 2`,
    );
    expect(refused.stderr).toContain(command);

    expect(await run("sh", ["-c", command], { env: process.env })).toMatchObject({ code: 0 });
    expect(await place.lines()).toEqual([`retired ${old}`, `retired ${recent}`, next]);
    {
      await using service = await place.start();
      expect(warningsOf(service)).toEqual([]);
      await service.end("SIGTERM");
    }
    expect((await doctor()).stdout).not.toContain("not marked as retired");
    expect((await place.run(["key", "status"])).stdout).not.toContain("Warning");
  },
);

test("while the service runs, key retire marks the lines before the key in use, once, and says which", async () => {
  await using target = await startTarget();
  await using rotated = await rotatedPlace("lmdb", target.url);
  const { place, old, recent } = rotated;
  const [oldest, next] = ["11".repeat(32), "22".repeat(32)];
  // A key that only backups need, those of the store, and one for a rotation to come.
  await place.writeLines([oldest, old, recent, next]);
  await using _service = await place.start();
  const done = await place.run(["key", "retire"]);
  expect(done).toMatchObject({ code: 0, stderr: expect.stringContaining('"command":"key retire"') });
  expect(done.stdout).toContain(`Marked lines 1, 2 of ${place.keyFile} as retired`);
  expect(await place.lines()).toEqual([`retired ${oldest}`, `retired ${old}`, recent, next]);
  const again = await place.run(["key", "retire", "--json"]);
  expect(again).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(again.stdout)).toEqual({ retiredLines: [] });
  for (const line of [oldest, old, recent, next])
    expect(done.stdout + done.stderr).not.toContain(line.slice(0, 8));
});

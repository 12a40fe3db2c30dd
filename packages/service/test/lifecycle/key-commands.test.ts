import { appendFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { call, expectStatus } from "../../../testkit/src/client.ts";
import { initDataDirectory } from "../../../testkit/src/data-directory.ts";
import { runMembrane, spawnService } from "../../../testkit/src/process.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";

const NEW_KEY = "0123456789abcdef".repeat(4);

const linesOf = async (file: string): Promise<readonly string[]> =>
  (await readFile(file, "utf8")).trim().split("\n");

test.each([1, 2])(
  "while %d processes serve, keys are counted and none is rotated or dropped: the message names the processes",
  async (workers) => {
    await using data = await initDataDirectory();
    const file = join(data.path, "service.key");
    const before = await readFile(file, "utf8");
    await using service = await spawnService(data.path, { flags: ["--workers", String(workers)] });
    for (const words of [
      ["key", "rotate"],
      ["key", "drop", "1", "--forgets", "4"],
    ]) {
      const { code, stdout, stderr } = await runMembrane([...words, "--data", data.path]);
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(
        /^membrane: the store is in use: stop the service first \(it is open in the process/,
      );
      expect(stderr).toContain(String(service.pid));
    }
    expect(await readFile(file, "utf8")).toBe(before);
    const status = await runMembrane(["key", "status", "--data", data.path]);
    expect(status.stdout).toMatch(
      /^The service key 1 \([0-9a-f]{8}\) is in use: 4 capabilities need it\.\n$/,
    );
  },
);

test("a rotation says which key is in use and where it is, and a status which commands come next", async () => {
  await using data = await initDataDirectory();
  const file = join(data.path, "service.key");
  const [first] = await linesOf(file);
  const rotated = await runMembrane(["key", "rotate", "--data", data.path]);
  expect(rotated).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/"command":"key rotate".*"operated"/),
  });
  expect(rotated.stdout).toContain(`is in use now: it is the last line of ${file}`);
  const lines = await linesOf(file);
  expect(lines).toEqual([`retired ${first}`, expect.stringMatching(/^[0-9a-f]{64}$/)]);
  expect(rotated.stdout).toContain("The lines before it are marked as retired");

  const checked = await runMembrane(["doctor", "--data", data.path, "--no-tls"]);
  expect(checked.stdout).toContain("1 tenant(s), which needs 1 older service key(s)");
  const status = await runMembrane(["key", "status", "--data", data.path]);
  expect(status.stdout).toContain('"membrane key drop 1 --forgets 4" forgets them.');
  const refused = await runMembrane(["key", "drop", "1", "--forgets", "3", "--data", data.path]);
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toBe(
    "membrane: key drop: 4 capabilities need the key 1, and would be unusable: to forget them, repeat with --forgets 4\n",
  );
  const dropped = await runMembrane(["key", "drop", "1", "--forgets", "4", "--json", "--data", data.path]);
  expect([dropped.code, JSON.parse(dropped.stdout)]).toEqual([0, { key: 1, forgot: 4 }]);
  // A backup from before may need it.
  expect(await linesOf(file)).toEqual(lines);
  // No output has a key, which the id does not show either.
  for (const { stdout, stderr } of [rotated, status, refused, dropped])
    for (const line of [first, lines[1]]) expect(stdout + stderr).not.toContain(line!.slice(0, 8));
});

test("a key that the operator appends is the one that a rotation uses", async () => {
  await using data = await initDataDirectory();
  const file = join(data.path, "service.key");
  await appendFile(file, `${NEW_KEY}\n`);
  // It is not in use before.
  const status = await runMembrane(["key", "status", "--json", "--data", data.path]);
  expect(JSON.parse(status.stdout).keys).toHaveLength(1);
  expect(await runMembrane(["key", "rotate", "--data", data.path])).toMatchObject({ code: 0 });
  expect((await linesOf(file)).at(-1)).toBe(NEW_KEY);
  expect(await linesOf(file)).toHaveLength(2);
  // With that key alone, the store says which other one it needs.
  await writeFile(file, `${NEW_KEY}\n`);
  const refused = await runMembrane(["tenant", "list", "--data", data.path]);
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toMatch(
    /^membrane: the store needs the service key 1 \([0-9a-f]{8}\), which the service key file does not have: copy the file/,
  );
});

test("a lost older key is dropped with the newer one alone, and what needs it is forgotten", async () => {
  await using data = await initDataDirectory();
  const file = join(data.path, "service.key");
  expect(await runMembrane(["key", "rotate", "--data", data.path])).toMatchObject({ code: 0 });
  const [, kept] = await linesOf(file);
  await writeFile(file, `${kept}\n`);
  await expect(spawnService(data.path)).rejects.toThrow("ended before it was ready");
  expect(await runMembrane(["key", "drop", "1", "--forgets", "4", "--data", data.path])).toMatchObject({
    code: 0,
  });
  await using service = await spawnService(data.path);
  expectStatus(await call(service, data.tokens.create, { body: {} }), 401);
  const made = await runMembrane(["tenant", "create", "--id", "a", "--data", data.path]);
  expect(made).toMatchObject({ code: 0 });
});

test("a backup from before a rotation is restored once its key is not marked as retired, and one from after it as it is", async () => {
  await using data = await initDataDirectory();
  await using backups = await temporaryDirectory();
  const backup = async (name: string): Promise<string> => {
    const directory = join(backups.path, name);
    expect(await runMembrane(["backup", directory, "--data", data.path])).toMatchObject({ code: 0 });
    return directory;
  };
  const before = await backup("before");
  expect(await runMembrane(["key", "rotate", "--data", data.path])).toMatchObject({ code: 0 });
  const after = await backup("after");
  for (const [directory, keys] of [
    [before, 1],
    [after, 2],
  ] as const) {
    await using to = await initDataDirectory();
    const file = join(to.path, "service.key");
    await writeFile(file, await readFile(join(data.path, "service.key")));
    const restored = join(to.path, "restored");
    const place = ["--data", restored, "--service-key-file", file];
    const restore = () => runMembrane(["restore", directory, ...place]);
    if (directory === before) {
      const refused = await restore();
      expect(refused).toMatchObject({ code: 1, stdout: "" });
      expect(refused.stderr).toMatch(
        /line 1 of the service key file marks as retired: .*as an old backup is/,
      );
      expect(await readdir(restored)).toEqual([]);
      await writeFile(file, (await readFile(file, "utf8")).replace("retired ", ""));
    }
    expect(await restore()).toMatchObject({ code: 0 });
    const status = await runMembrane(["key", "status", "--json", ...place]);
    expect(JSON.parse(status.stdout).keys).toHaveLength(keys);
    if (directory === before) {
      expect(await runMembrane(["key", "rotate", ...place])).toMatchObject({ code: 0 });
      expect(await readFile(file)).toEqual(await readFile(join(data.path, "service.key")));
    }
    await using service = await spawnService(restored, { flags: place.slice(2) });
    expectStatus(await call(service, data.tokens.create, { body: {} }), 400);
  }
});

import { copyFile, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { call, createMembrane, expectStatus, exportThrough, tokenOf } from "../../../testkit/src/client.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { runMembrane, spawnService } from "../../../testkit/src/process.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { mountSmallDisk } from "../../../testkit/src/small-disk.ts";

/* Backups of a store are complete, readable by their owner alone, useless without the key, and never mistaken for the store. */

const URI = "https://target.test/";

async function initialized(data: string): Promise<{ readonly create: string; readonly query: string }> {
  const { code, stdout } = await runMembrane([
    "init",
    "--data",
    data,
    "--authority",
    "membrane.test",
    "--json",
  ]);
  expect(code).toBe(0);
  const { create, query } = JSON.parse(stdout).capabilities;
  return { create: tokenOf(create), query: tokenOf(query) };
}

/** Restores a backup into a new data directory, with the key of another. */
async function restored(backup: string, data: string, keyOf: string): Promise<string> {
  await mkdir(data, { mode: 0o700 });
  await copyFile(join(keyOf, "service.key"), join(data, "service.key"));
  const { code, stdout, stderr } = await runMembrane(["restore", backup, "--data", data]);
  expect(code, stderr).toBe(0);
  return stdout;
}

async function modes(directory: string): Promise<Record<string, string>> {
  const names = await readdir(directory, { recursive: true });
  const found = await Promise.all(
    [".", ...names].map(async (name) => [
      name,
      ((await stat(join(directory, name))).mode & 0o777).toString(8),
    ]),
  );
  return Object.fromEntries(found);
}

/** The acknowledged changes of one writer. */
interface Written {
  readonly made: { readonly id: string; readonly exported: string }[];
  readonly revoked: string[];
}

const MAX_WRITES = 500;

/** Creates membranes with one export each, and revokes some, until it is stopped. */
async function writeUntil(
  isOver: () => boolean,
  service: { readonly url: string },
  create: string,
  name: string,
  written: Written,
): Promise<void> {
  for (let i = 0; i < MAX_WRITES && !isOver(); i += 1) {
    const id = `${name}-${i}`;
    const membrane = await createMembrane(service, create, id);
    const exported = await exportThrough(service, membrane.export, { uri: URI });
    if (i % 5 === 4) {
      expectStatus(await call(service, membrane.revoke), 202);
      written.revoked.push(exported);
    } else {
      written.made.push({ id, exported });
    }
  }
}

test("a backup of a store that is written to is whole: it has all changes acknowledged before it, and both capabilities of each membrane", async () => {
  await using directory = await temporaryDirectory();
  const data = join(directory.path, "data");
  const { create, query } = await initialized(data);
  let last = "";
  let before: Written = { made: [], revoked: [] };
  {
    await using service = await spawnService(data);
    const written: Written = { made: [], revoked: [] };
    let isOver = false;
    const writers = ["a", "b", "c", "d"].map((name) =>
      writeUntil(() => isOver, service, create, name, written),
    );
    for (let round = 0; round < 3; round += 1) {
      before = { made: [...written.made], revoked: [...written.revoked] };
      last = join(directory.path, `backup-${round}`);
      const { code, stdout, stderr } = await runMembrane(["backup", last, "--data", data]);
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toContain(join(data, "service.key"));
    }
    isOver = true;
    await Promise.all(writers);
    expect(before.made.length).toBeGreaterThan(0);
  }
  const copy = join(directory.path, "copy");
  await restored(last, copy, data);
  await using service = await spawnService(copy);
  const listed: { readonly id: string; readonly capabilities: { readonly export: string } }[] = [];
  for (let completed = false, after = ""; !completed;) {
    const page = expectStatus(await call(service, query, { path: `/?limit=1000${after}` }), 200).json;
    listed.push(...page.membranes);
    completed = page.completed;
    after = `&lastId=${listed.at(-1)?.id}`;
  }
  const ids = new Set(listed.map(({ id }) => id));
  expect(before.made.filter(({ id }) => !ids.has(id))).toEqual([]);
  for (const { exported } of before.made) {
    expect((await call(service, exported, { path: "/none" })).status).toBe(404);
  }
  for (const exported of before.revoked) expectStatus(await call(service, exported), 401);
  for (const { capabilities } of listed) {
    expectStatus(await call(service, tokenOf(capabilities.export), { body: {} }), 400);
  }
});

test("a backup is for its owner alone, has neither the service key nor a private key nor a token, and overwrites nothing", async () => {
  await using directory = await temporaryDirectory();
  const data = join(directory.path, "data");
  const { create } = await initialized(data);
  const to = join(directory.path, "to");
  await mkdir(to, { mode: 0o755 });
  expect(await runMembrane(["backup", to, "--data", data])).toMatchObject({ code: 0 });
  expect(await modes(to)).toEqual({
    ".": "700",
    "backup.json": "600",
    store: "700",
    "store/data.mdb": "600",
  });
  const key = (await readFile(join(data, "service.key"), "utf8")).trim();
  const secrets = [
    key,
    Buffer.from(key, "hex"),
    "PRIVATE KEY",
    create,
    Buffer.from(create.slice(8), "base64url"),
  ];
  for (const file of ["backup.json", "store/data.mdb"]) {
    const bytes = await readFile(join(to, file));
    expect(secrets.map((secret) => bytes.includes(secret))).toEqual(secrets.map(() => false));
  }
  const taken = join(directory.path, "taken");
  await mkdir(taken);
  await writeFile(join(taken, "mine"), "mine");
  for (const place of [to, taken, join(taken, "mine")]) {
    const before = await modes(directory.path);
    const { code, stderr } = await runMembrane(["backup", place, "--data", data]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^membrane: backup: .*\n$/)]);
    expect(await modes(directory.path)).toEqual(before);
  }
  const none = await runMembrane([
    "backup",
    join(directory.path, "x"),
    "--data",
    join(directory.path, "none"),
  ]);
  expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining("there is no store") });
});

test("restore overwrites nothing, needs the key of the backup and a complete backup, and leaves nothing when it fails", async () => {
  await using directory = await temporaryDirectory();
  const at = (name: string): string => join(directory.path, name);
  const { create } = await initialized(at("data"));
  await initialized(at("other"));
  await runMembrane(["backup", at("backup"), "--data", at("data")]);
  const refused = async (backup: string, data: string, why: RegExp): Promise<void> => {
    const { code, stderr } = await runMembrane(["restore", at(backup), "--data", at(data)]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(why)]);
    expect(stderr.split("\n")).toHaveLength(2);
  };
  await refused(
    "backup",
    "data",
    /^membrane: --data: there is a store in .*overwrites none: stop the service/,
  );
  await refused("backup", "none", /^membrane: .*service\.key: is missing.*restore it/);
  await mkdir(at("strange"));
  await copyFile(join(at("other"), "service.key"), join(at("strange"), "service.key"));
  await refused("backup", "strange", /^membrane: the service key is not the one this store was made with/);
  expect(await readdir(at("strange"))).toEqual(["service.key"]);
  await refused("data", "strange", /^membrane: restore: .*holds no complete backup/);
  await writeFile(join(at("backup"), "backup.json"), '{"version":99}');
  await refused("backup", "strange", /^membrane: restore: .*is not a description that this program knows/);
  await rm(join(at("backup"), "backup.json"));
  await refused("backup", "strange", /^membrane: restore: .*holds no complete backup/);
  await using service = await spawnService(at("data"));
  await createMembrane(service, create, "still there");
});

test("a backup in which a byte is missing or changed is refused in one line, and nothing of it is restored", async () => {
  await using directory = await temporaryDirectory();
  const at = (name: string): string => join(directory.path, name);
  await initialized(at("data"));
  await runMembrane(["backup", at("backup"), "--data", at("data")]);
  const file = join(at("backup"), "store", "data.mdb");
  const whole = await readFile(file);
  const changed = Buffer.from(whole);
  changed.writeUInt8(changed.readUInt8(9_000) ^ 1, 9_000);
  await mkdir(at("restored"));
  await copyFile(join(at("data"), "service.key"), join(at("restored"), "service.key"));
  const refused = async (): Promise<void> => {
    const { code, stderr } = await runMembrane(["restore", at("backup"), "--data", at("restored")]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^membrane: restore: .*data\.mdb .*\n$/)]);
    expect(stderr.split("\n")).toHaveLength(2);
    expect(await readdir(at("restored"))).toEqual(["service.key"]);
  };
  for (const length of [0, 1, 100, 4_096, 12_288, whole.length >> 1, whole.length - 1]) {
    await writeFile(file, whole.subarray(0, length));
    await refused();
  }
  await writeFile(file, changed);
  await refused();
  await rm(file);
  await refused();
  await writeFile(file, whole);
  expect(await runMembrane(["restore", at("backup"), "--data", at("restored")])).toMatchObject({ code: 0 });
});

test("a backup that cannot be written fails with one line, and removes only the files that it made", async () => {
  await using directory = await temporaryDirectory();
  await using disk = await mountSmallDisk(1);
  const data = join(directory.path, "data");
  await initialized(data);
  await mkdir(join(disk.path, "present"));
  disk.fill();
  for (const name of ["new", "present"]) {
    const { code, stderr } = await runMembrane(["backup", join(disk.path, name), "--data", data]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^membrane: backup: .*the disk is full.*\n$/)]);
  }
  expect((await readdir(disk.path, { recursive: true })).toSorted()).toEqual(["filler", "present"]);
  // An existing store may be that of another backup that began after this one checked.
  await mkdir(join(directory.path, "raced", "store"), { recursive: true });
  const { code } = await runMembrane(["backup", join(directory.path, "raced"), "--data", data]);
  expect([code, await readdir(join(directory.path, "raced"))]).toEqual([1, ["store"]]);
});

test("restore does not overwrite a link in place of the store", async () => {
  await using directory = await temporaryDirectory();
  const at = (name: string): string => join(directory.path, name);
  await initialized(at("data"));
  await runMembrane(["backup", at("backup"), "--data", at("data")]);
  await mkdir(at("linked"));
  await copyFile(join(at("data"), "service.key"), join(at("linked"), "service.key"));
  await symlink(at("nowhere"), join(at("linked"), "store"));
  const { code, stderr } = await runMembrane(["restore", at("backup"), "--data", at("linked")]);
  expect([code, stderr]).toEqual([1, expect.stringContaining("overwrites none")]);
});

test("a restored store brings back what was revoked since, lacks what was made since, and the command says both", async () => {
  await using directory = await temporaryDirectory();
  const at = (name: string): string => join(directory.path, name);
  const { create } = await initialized(at("data"));
  let membrane: { readonly export: string; readonly revoke: string };
  let later: { readonly export: string };
  {
    await using service = await spawnService(at("data"));
    membrane = await createMembrane(service, create, "m");
    await runMembrane(["backup", at("backup"), "--data", at("data")]);
    later = await createMembrane(service, create, "later");
    expectStatus(await call(service, membrane.revoke), 202);
  }
  const said = await restored(at("backup"), at("copy"), at("data"));
  expect(said).toMatch(/revoked or deleted since then works again.*made since then is gone/s);
  await using service = await spawnService(at("copy"));
  expectStatus(await call(service, membrane.export, { body: {} }), 400);
  expectStatus(await call(service, later.export, { body: {} }), 401);
});

test("the log of a restored store has another id, so that no position of the original store is valid in it", async () => {
  await using directory = await temporaryDirectory();
  const at = (name: string): string => join(directory.path, name);
  const { create } = await initialized(at("data"));
  const positionAfter = async (data: string, revokes: number) => {
    await using service = await startTestService({ directory: at(data), engine: "lmdb" });
    for (let i = 0; i < revokes; i += 1) {
      const { revoke } = await createMembrane(service, create, `m${i}`);
      expectStatus(await call(service, revoke), 202);
    }
    await service.data.store.refresh();
    return service.data.store.position()!;
  };
  await positionAfter("data", 1);
  await runMembrane(["backup", at("backup"), "--data", at("data")]);
  const original = await positionAfter("data", 2);
  await restored(at("backup"), at("copy"), at("data"));
  await restored(at("backup"), at("second"), at("data"));
  // The same number of revokes: with the same id, this would be a position of the other log.
  await using service = await startTestService({ directory: at("copy"), engine: "lmdb" });
  for (let i = 0; i < 2; i += 1) {
    const { revoke } = await createMembrane(service, create, `m${i}`);
    expectStatus(await call(service, revoke), 202);
  }
  await service.data.store.refresh();
  const copied = service.data.store.position()!;
  expect(copied.sequence).toBe(original.sequence);
  expect(copied.log).not.toBe(original.log);
  expect(service.data.store.revocationsSince(original)).toEqual({
    position: copied,
    uids: "everything",
  });
  const second = await positionAfter("second", 0);
  expect(new Set([original.log, copied.log, second.log]).size).toBe(3);
});

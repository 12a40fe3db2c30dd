import { appendFile, mkdir, readFile, rename, symlink, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readTrail } from "../../../testkit/src/audit-trail.ts";
import { call, createMembrane, expectStatus } from "../../../testkit/src/client.ts";
import { firstTokens } from "../../../testkit/src/data-directory.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { runMembrane, spawnMembrane, spawnService } from "../../../testkit/src/process.ts";
import type { ProcessResult } from "../../../testkit/src/run.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";
import { until } from "../../../testkit/src/until.ts";

async function open() {
  const directory = await temporaryDirectory();
  const data = join(directory.path, "data");
  const file = join(directory.path, "audit.log");
  const flags = ["--audit", file];
  return {
    data,
    file,
    flags,
    path: directory.path,
    start: (...more: readonly string[]) => spawnService(data, { flags: [...flags, ...more] }),
    run: (...args: readonly string[]) => runMembrane([...args, "--data", data, ...flags]),
    verify: (...args: readonly string[]) => runMembrane(["audit", "verify", "--data", data, ...args]),
    [Symbol.asyncDispose]: directory[Symbol.asyncDispose],
  };
}

const WHOLE = {
  code: 0,
  stdout: expect.stringMatching(
    /^The audit trail is whole since .*: (?:1 line|\d+ lines) of (?:1 writer|\d+ writers)\.$/m,
  ),
};

async function create(service: { readonly url: string }, token: string, from: number, count: number) {
  const made = [];
  for (let index = from; index < from + count; index += 1)
    made.push(await createMembrane(service, token, `m${index}`));
  return made;
}

function messages(service: ServiceProcess): readonly (string | undefined)[] {
  return service.logged().map(({ msg }) => msg);
}

test("commands of the operator are in the trail of the service, and verify finds it whole while both write", async () => {
  await using at = await open();
  await using service = await at.start();
  const tokens = await firstTokens(at.data);
  await create(service, tokens.create, 0, 2);
  expect(await at.run("tenant", "create", "--id", "other")).toMatchObject({ code: 0 });
  expect(await at.run("tenant", "list")).toMatchObject({ code: 0 });
  expect(await at.run("membrane", "revoke", "--tenant", "default", "--id", "m1")).toMatchObject({ code: 0 });
  expect(await at.run("tenant", "delete", "--id", "other")).toMatchObject({ code: 0 });
  expect(await at.run("backup", join(at.path, "backup"))).toMatchObject({ code: 0 });
  const lines = await readTrail(at.file);
  const commands = lines.filter(({ event }) => event === "command").map(({ command }) => command);
  expect(commands).toEqual(["tenant create", "tenant list", "membrane revoke", "tenant delete", "backup"]);
  const changes = lines.filter(({ event, command }) => event === "begin" && command !== undefined);
  expect(changes.map(({ action, command }) => `${command}: ${action}`)).toEqual([
    "serve: provision",
    "tenant create: provision",
    "membrane revoke: revoke",
    "tenant delete: delete",
  ]);
  expect(await at.verify(at.file)).toMatchObject(WHOLE);
  // The file of `--audit`.
  expect(await at.run("audit", "verify")).toMatchObject(WHOLE);

  const text = await readFile(at.file, "utf8");
  const changed = text.split("\n");
  changed[3] = changed[3]!.replace('"event"', '"Event"');
  await writeFile(at.file, changed.join("\n"));
  const found = await at.verify(at.file);
  expect(found.code).toBe(1);
  expect(found.stdout).toContain(`${at.file}:4: is not a line of the trail\n`);
  expect(found.stdout).toMatch(/^The audit trail is not whole: \d+ problems; /m);
  await writeFile(at.file, "");
  const emptied = await at.verify(at.file);
  expect(emptied.code).toBe(1);
  expect(emptied.stdout).toContain("no line is here of the writer");
});

test("a restored store is one of the trail, and so is one that begins with a backup", async () => {
  await using at = await open();
  const first = await at.start();
  const tokens = await firstTokens(at.data);
  await create(first, tokens.create, 0, 1);
  await first.end("SIGTERM");
  const backup = join(at.path, "backup");
  expect(await at.run("backup", backup)).toMatchObject({ code: 0 });
  const second = await at.start();
  await create(second, tokens.create, 1, 3);
  await second.end("SIGTERM");
  await rename(join(at.data, "store"), join(at.path, "lost"));
  expect(await at.run("restore", backup)).toMatchObject({ code: 0 });
  const commands = (await readTrail(at.file)).filter(({ event }) => event === "command");
  expect(commands.map(({ command }) => command)).toEqual(["backup", "restore"]);
  const verified = await at.verify(at.file);
  expect(verified).toMatchObject(WHOLE);
  // Nothing tells the backup of the writer that came after it.
  expect(verified.stdout).toMatch(/^note: the store does not know 1 of the writers/m);
});

test.each([1, 2])(
  "with %i process(es), SIGHUP opens the file of the trail again and reads the certificate in files again",
  async (workers) => {
    await using at = await open();
    const secret = join(at.path, "tls");
    await mkdir(secret);
    const write = async (): Promise<void> => {
      const { cert, key } = await makeCertificate("a.test");
      await writeFile(join(secret, "tls.crt"), cert);
      await writeFile(join(secret, "tls.key"), key);
    };
    await write();
    await using service = await spawnMembrane([
      "serve",
      "--data",
      at.data,
      "--listen",
      "127.0.0.1:0",
      "--authority",
      "a.test",
      "--tls-cert",
      join(secret, "tls.crt"),
      "--tls-key",
      join(secret, "tls.key"),
      "--workers",
      String(workers),
      ...at.flags,
    ]);
    await rename(at.file, `${at.file}.1`);
    await write();
    process.kill(service.pid, "SIGHUP");
    const processes = workers === 1 ? 1 : workers + 1;
    await until("all processes have opened the file again", () => {
      const logged = messages(service);
      return (
        logged.filter((msg) => msg === "audit trail reopened").length === processes &&
        logged.includes("certificate renewed")
      );
    });
    const opened = (await readTrail(at.file)).filter(({ event }) => event === "opened");
    expect(new Set(opened.map(({ writer }) => writer)).size).toBe(processes);
    expect(opened.every(({ previous }) => previous !== undefined)).toBe(true);
    // In any order.
    expect(await at.verify(at.file, `${at.file}.1`)).toMatchObject(WHOLE);
    const cut = await at.verify(at.file, "--since", "2020-01-01");
    expect(cut).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("the lines before it are missing"),
    });
    expect(await at.verify(at.file)).toMatchObject(WHOLE);
  },
);

test("a trail is whole after processes were killed while they wrote, also over what one of them left", async () => {
  await using at = await open();
  let made = 0;
  let token = "";
  for (let round = 0; round < 4; round += 1) {
    const service = await at.start("--workers", "2", "--audit-invocations", "1");
    ({ create: token } = await firstTokens(at.data));
    const working = Promise.allSettled(
      Array.from({ length: 8 }, async () => {
        for (;;) {
          made += 1;
          await createMembrane(service, token, `m${made}`);
        }
      }),
    );
    await until("some are made", async () => (await readTrail(at.file)).length > 30 * (round + 1));
    await service.end("SIGKILL");
    await working;
    // A process that is killed within a write leaves a part of a line.
    const text = await readFile(at.file, "utf8");
    await until("the workers have ended", async () => (await readFile(at.file, "utf8")) === text);
    if (round % 2 === 0)
      await appendFile(
        at.file,
        text
          .split("\n")
          .at(-2)!
          .replace(/"seq":\d+/, '"seq":999999')
          .slice(0, 90),
      );
  }
  const verified = await at.verify(at.file);
  expect(verified, verified.stdout).toMatchObject(WHOLE);
  expect(verified.stdout).toContain("was not written whole");
});

test("a file that cannot be opened stops a start and a command, with the reason; flags that need it say so", async () => {
  await using at = await open();
  const refused = async (...args: readonly string[]): Promise<ProcessResult> =>
    runMembrane([...args, "--data", at.data]);
  expect(await refused("init", "--audit", join(at.path, "none", "audit.log"))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("cannot be opened (ENOENT)"),
  });
  expect(await refused("init", "--audit", at.path)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("cannot be opened (EISDIR)"),
  });
  expect(await refused("serve", "--audit-required")).toMatchObject({
    code: 1,
    stderr: "membrane: --audit-required: needs --audit, the file of the audit trail\n",
  });
  expect(await refused("serve", "--audit", at.file, "--audit-invocations", "2")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^membrane: --audit-invocations: expected a share from 0 to 1/),
  });
  expect(await refused("audit", "verify")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^membrane: audit verify: expected the files of the trail/),
  });
  expect(await refused("init", "--audit", at.file)).toMatchObject({ code: 0 });
  expect(await at.verify(join(at.path, "missing"))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("cannot be read (ENOENT)"),
  });
  expect(await at.verify(at.file, "--since", "yesterday")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^membrane: --since: expected a time in UTC/),
  });
  expect(await at.verify(at.file)).toMatchObject(WHOLE);
});

test("a trail that is verified with the store of another one is not whole, and a note asks for the store", async () => {
  await using at = await open();
  expect(await at.run("init")).toMatchObject({ code: 0 });
  const other = ["--data", join(at.path, "other")];
  expect(await runMembrane(["init", ...other])).toMatchObject({ code: 0 });
  const ask = "note: not one line is under a key of this store: is it the store of this trail";
  const own = await at.verify(at.file);
  expect(own).toMatchObject(WHOLE);
  expect(own.stdout).not.toContain(ask);
  expect(await runMembrane(["audit", "verify", at.file, ...other])).toMatchObject({
    code: 1,
    stdout: expect.stringContaining(ask),
  });
});

test("with a trail that is required and has no space, commands do nothing but revoke", async () => {
  await using at = await open();
  const first = await at.start();
  const tokens = await firstTokens(at.data);
  await create(first, tokens.create, 0, 1);
  await first.end("SIGTERM");
  await rename(at.file, `${at.file}.1`);
  await symlink("/dev/full", at.file);
  const refused = {
    code: 1,
    stderr: expect.stringContaining("membrane: --audit: the file cannot be written"),
  };
  expect(await at.run("tenant", "create", "--id", "t", "--audit-required")).toMatchObject(refused);
  expect(await at.run("tenant", "list", "--audit-required")).toMatchObject(refused);
  expect(await at.run("key", "rotate", "--audit-required")).toMatchObject(refused);
  expect((await readFile(join(at.data, "service.key"), "utf8")).split("\n")).toHaveLength(2);
  const revoke = ["membrane", "revoke", "--tenant", "default", "--id", "m0", "--audit-required"];
  expect(await at.run(...revoke)).toMatchObject({ code: 0 });
  await unlink(at.file);
  await using service = await at.start("--audit-required");
  expectStatus(await call(service, tokens.create, { body: { id: "m0" } }), 201);
  expect(await at.verify(at.file, `${at.file}.1`)).toMatchObject(WHOLE);
  await service.end("SIGTERM");
  expect(await at.run("key", "rotate", "--audit-required")).toMatchObject({ code: 0 });
  expect(await at.verify(at.file, `${at.file}.1`)).toMatchObject(WHOLE);
});

test("a trail is whole over a rotation of the service key: older lines are verified under the older key", async () => {
  await using at = await open();
  const first = await at.start();
  const tokens = await firstTokens(at.data);
  await create(first, tokens.create, 0, 1);
  await first.end("SIGTERM");
  expect(await at.run("key", "rotate")).toMatchObject({ code: 0 });
  await using service = await at.start();
  await create(service, tokens.create, 1, 1);
  const rekeyed = async () => (await readTrail(at.file)).find(({ event }) => event === "rekeyed");
  await expect.poll(rekeyed).toBeDefined();
  const lines = await readTrail(at.file);
  const used = lines.findLast(({ event }) => event === "begin");
  expect(await rekeyed()).toMatchObject({ key: 2, capability: used!["capability"] });
  expect(new Set(lines.map(({ key }) => key))).toEqual(new Set([1, 2]));
  expect(lines.filter(({ event }) => event === "command").map(({ command }) => command)).toEqual([
    "key rotate",
  ]);
  const verified = await at.verify(at.file);
  expect(verified, verified.stdout).toMatchObject(WHOLE);
  // The store knows of the writers before the rotation, too.
  expect(verified.stdout).not.toContain("does not know");
});

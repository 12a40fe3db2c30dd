import { readdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runMembrane, runToItsEnd } from "../../../testkit/src/process.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { createTestDatabase } from "../../../testkit/src/test-database.ts";

const ADDRESS = ["--listen", "127.0.0.1:0", "--authority", "membrane.test"];

/** Commands that would make a store, or would say that there is none. */
const COMMANDS = [["serve", ...ADDRESS], ["init"], ["tenant", "list"], ["tenant", "create", "--id", "a"]];

test("a data directory whose store is in PostgreSQL gets none in LMDB when --store is forgotten", async () => {
  await using directory = await temporaryDirectory();
  const { flags, env, config, url } = await createTestDatabase();
  const data = join(directory.path, "data");
  expect(await runMembrane(["init", "--data", data, ...flags], env)).toMatchObject({ code: 0 });
  const present = await readdir(data);
  const remembered = await readFile(join(data, "engine"), "utf8");
  for (const secret of [env.PGPASSWORD, url, config.host, config.database])
    expect(remembered).not.toContain(secret);

  const message = `--store: the store of ${data} is in PostgreSQL, and nothing names its database: give its URL in --store, or in the variable MEMBRANE_STORE;`;
  const variables = [{}, { ...env, PGHOST: config.host, PGPORT: String(config.port), PGUSER: config.user }];
  for (const given of variables) {
    for (const command of [...COMMANDS, ["backup", join(directory.path, "backup")]]) {
      const ended = await runToItsEnd([...command, "--data", data], given);
      expect(ended).toMatchObject({ code: 1, stdout: "" });
      expect(ended.stderr).toContain(`membrane: ${message}`);
    }
  }
  const checked = await runMembrane(["doctor", "--data", data, ...ADDRESS], {});
  expect(checked).toMatchObject({ code: 1, stdout: expect.stringContaining(`FAIL  store: ${message}`) });
  expect(await readdir(data)).toEqual(present);

  expect(await runMembrane(["tenant", "list", "--data", data, ...flags], env)).toMatchObject({ code: 0 });
});

test("a data directory with a store in LMDB makes none in an empty database, and says how to move it", async () => {
  await using directory = await temporaryDirectory();
  const { flags, env, config, query } = await createTestDatabase();
  const data = join(directory.path, "data");
  expect(await runMembrane(["init", "--data", data], {})).toMatchObject({ code: 0 });
  const message = `--store: the database ${config.database} has no store, and ${data} has one in LMDB: move it with "membrane migrate --from lmdb:${data} --to postgres://`;
  for (const command of [["serve", ...ADDRESS], ["init"]]) {
    const ended = await runToItsEnd([...command, "--data", data, ...flags], env);
    expect(ended).toMatchObject({ code: 1, stdout: "" });
    expect(ended.stderr).toContain(`membrane: ${message}`);
  }
  const checked = await runMembrane(["doctor", "--data", data, ...ADDRESS, ...flags], env);
  expect(checked).toMatchObject({ code: 1, stdout: expect.stringContaining(`FAIL  store: ${message}`) });
  expect(await query("SELECT to_regnamespace('membrane')::text AS schema")).toEqual([{ schema: null }]);
  expect(await runMembrane(["tenant", "list", "--data", data], {})).toMatchObject({ code: 0 });
});

test("a store that is moved to a database and back is served from each by the same data directory, and the doctor says where it is", async () => {
  await using directory = await temporaryDirectory();
  const { flags, env, url } = await createTestDatabase();
  const data = join(directory.path, "data");
  const list = async (...more: string[]) => runMembrane(["tenant", "list", "--data", data, ...more], env);
  expect(await runMembrane(["init", "--data", data], {})).toMatchObject({ code: 0 });
  const [lmdb, other] = [`lmdb:${data}`, join(directory.path, "other")];
  expect(await runMembrane(["migrate", "--from", lmdb, "--to", url], env)).toMatchObject({ code: 0 });
  expect(await list(...flags)).toMatchObject({ code: 0, stdout: "default\n" });
  const forgotten = `--store: the store of ${data} is in PostgreSQL, and nothing names its database`;
  const deleted = await runMembrane(["tenant", "delete", "--id", "default", "--data", data], {});
  expect(deleted.stderr, "the store in LMDB is there too").toContain(forgotten);
  expect(deleted.stderr).toContain(`remove the file ${join(data, "engine")}`);

  const key = ["--service-key-file", join(data, "service.key")];
  const back = ["migrate", "--from", url, "--to", `lmdb:${other}`, ...key];
  const copyKey = `copy ${join(data, "service.key")} to ${join(other, "service.key")}.`;
  expect(await runMembrane(back, env)).toMatchObject({ code: 0, stdout: expect.stringContaining(copyKey) });
  const moved = `the store was moved to lmdb:${other}`;
  expect((await list(...flags)).stderr).toContain(moved);
  const checked = await runMembrane(["doctor", "--data", data, ...ADDRESS, ...flags], env);
  expect(checked).toMatchObject({ code: 1, stdout: expect.stringContaining(`FAIL  store: ${moved}`) });
  expect(await runMembrane(["tenant", "list", "--data", other, ...key], {})).toMatchObject({ code: 0 });

  await rename(join(data, "store"), join(data, ".store"));
  const home = ["migrate", "--from", `lmdb:${other}`, "--to", lmdb, ...key];
  expect(await runMembrane(home, {})).toMatchObject({ code: 0 });
  expect(await list(), "the directory has the store again").toMatchObject({ code: 0, stdout: "default\n" });
});

test("the doctor and a refused command write no file, also on a machine that has not served", async () => {
  await using directory = await temporaryDirectory();
  const { flags, env } = await createTestDatabase();
  const [data, other] = [join(directory.path, "data"), join(directory.path, "other")];
  expect(await runMembrane(["init", "--data", data, ...flags], env)).toMatchObject({ code: 0 });
  const on = ["--data", other, "--service-key-file", join(data, "service.key"), ...flags];
  const checked = await runMembrane(["doctor", ...ADDRESS, ...on], env);
  expect(checked).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ok {4}store: .*, 1 tenant/m) });
  const refused = await runMembrane(["tenant", "create", "--id", "a", ...on], env);
  expect(refused.stderr).toContain("--authority: required");
  await expect(readdir(other)).rejects.toThrow("ENOENT");

  expect(await runMembrane(["tenant", "list", ...on], env)).toMatchObject({ code: 0 });
  expect(await readdir(other)).toEqual(["engine"]);
});

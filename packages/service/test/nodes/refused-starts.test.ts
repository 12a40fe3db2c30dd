import { randomBytes } from "node:crypto";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { freePort } from "../../../testkit/src/free-port.ts";
import { runMembrane } from "../../../testkit/src/process.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import type { TestDatabase } from "../../../testkit/src/test-database.ts";
import { createTestDatabase, LEASE_FLAGS } from "../../../testkit/src/test-database.ts";

const ADDRESS = ["--listen", "127.0.0.1:0", "--authority", "membrane.test", "--no-tls"];

/** A database without a store. */
let empty: TestDatabase;
/** A database with a store. */
let used: TestDatabase;

beforeAll(async () => {
  empty = await createTestDatabase();
  used = await createTestDatabase();
  await using directory = await temporaryDirectory();
  const made = await runMembrane(["init", "--data", directory.path, ...used.flags], used.env);
  expect(made.code, made.stderr).toBe(0);
});

/** Runs a command on a new data directory that must end with an error, and returns its one line. */
async function refusal(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>> = {},
  made: readonly string[] = [],
): Promise<string> {
  await using directory = await temporaryDirectory();
  const data = join(directory.path, "data");
  if (Object.keys(files).length > 0) await mkdir(data);
  for (const [name, text] of Object.entries(files)) await writeFile(join(data, name), text, { mode: 0o600 });
  const ended = await runMembrane([...words, "--data", data], { ...env });
  expect(ended).toMatchObject({ code: 1, stdout: "" });
  expect(ended.stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(ended.stderr).not.toContain(used.env.PGPASSWORD);
  // A start that fails makes nothing else.
  const expected = [...Object.keys(files), ...made].map((name) => `data/${name}`);
  const left = await readdir(directory.path, { recursive: true });
  expect(left.toSorted()).toEqual(expected.length === 0 ? [] : ["data", ...expected.toSorted()]);
  return ended.stderr.trim();
}

test("a password on the command line stops every command, and the message says where to put it instead", async () => {
  const { url, env } = used;
  for (const given of [
    url.replace("@", `:${env.PGPASSWORD}@`),
    `${url}?password=${encodeURIComponent(env.PGPASSWORD)}`,
  ])
    for (const command of [["serve", ...ADDRESS], ["init"], ["tenant", "list"], ["doctor", ...ADDRESS]])
      expect(await refusal([...command, "--store", given], {})).toBe(
        "membrane: --store: its URL has a password, which other users of this machine can read: use the variable PGPASSWORD, or a file that PGPASSFILE names",
      );
  expect(await refusal(["serve", ...ADDRESS, url.replace("@", `:${env.PGPASSWORD}@`)], {})).toContain(
    `membrane: ${url.replace("@", ":...@")}: unexpected argument`,
  );
});

test("a password is taken from the variable of the URL, from PGPASSWORD and from the file of PGPASSFILE", async () => {
  const { url, env, config } = used;
  const { host, port, database, user } = config;
  await using directory = await temporaryDirectory();
  const file = join(directory.path, "pgpass");
  await writeFile(file, `${host}:${port}:${database}:${user}:${env.PGPASSWORD}\n`, { mode: 0o600 });
  const withPassword = url.replace("@", `:${env.PGPASSWORD}@`);
  const ways: readonly (readonly [string[], Record<string, string>])[] = [
    [[], { MEMBRANE_STORE: withPassword }],
    [["--store", url], { PGPASSWORD: env.PGPASSWORD }],
    [["--store", url], { PGPASSFILE: file }],
    [
      ["--store", "postgres://"],
      { PGHOST: host, PGPORT: String(port), PGDATABASE: database, PGUSER: user, PGPASSFILE: file },
    ],
  ];
  const noKey = "the database has a store";
  for (const [flags, variables] of ways)
    expect(await refusal(["tenant", "list", ...flags], variables), noKey).toMatch(
      new RegExp(`^membrane: --service-key-file: the database ${database} has a store`),
    );
  await writeFile(file, `${host}:${port}:${database}:other:canary\n`);
  expect(await refusal(["tenant", "list", "--store", url], { PGPASSFILE: file })).toContain(
    `membrane: --store: no password was given for the user ${user}: the file ${file}, which PGPASSFILE or passfile names, has no line that begins with ${host}:${port}:${database}:${user}: or`,
  );
  await chmod(file, 0o644);
  expect(await refusal(["tenant", "list", "--store", url], { PGPASSFILE: file })).toBe(
    `membrane: --store: passfile: others can read the file ${file}: expected the mode 0600`,
  );
});

test("a server that is gone, a wrong password and a missing database each stop a start with what to do", async () => {
  const { url, env, config } = empty;
  const serve = (store: string, variables: Record<string, string> = env) =>
    refusal(["serve", ...ADDRESS, "--store", store], variables);
  const port = await freePort();
  expect(await serve(url.replace(`:${config.port}/`, `:${port}/`))).toBe(
    `membrane: --store: no server listens at 127.0.0.1:${port}: is it running there, and for this network? (ECONNREFUSED)`,
  );
  expect(await serve(url, { PGPASSWORD: "wrong" })).toBe(
    `membrane: --store: the server refused the password of the user ${config.user}: check the variable PGPASSWORD (28P01)`,
  );
  const ofUrl = { MEMBRANE_STORE: url.replace("@", ":wrong@"), ...env };
  expect(await refusal(["serve", ...ADDRESS], ofUrl), "the URL holds before PGPASSWORD").toMatch(
    /check the one in its URL, which is used whatever PGPASSWORD says \(28P01\)$/,
  );
  expect(await serve(`${url}x`)).toBe(
    `membrane: --store: there is no database ${config.database}x: create it, or name another one (3D000)`,
  );
  expect(await serve(`${url}?sslmode=require`)).toMatch(
    /^membrane: --store: the server at .* ended the connection: .*does it offer TLS \(sslmode=require\)/,
  );
});

test("a node without the service key of the store is refused with where to get it, and so is one with another key", async () => {
  const { flags, env, config } = used;
  const commands = [["serve", ...ADDRESS], ["init"], ["tenant", "list"]];
  for (const command of commands)
    expect(await refusal([...command, ...flags], env)).toMatch(
      new RegExp(
        `^membrane: --service-key-file: the database ${config.database} has a store, and \\S+/service\\.key with its service key is missing: copy it from another node`,
      ),
    );
  const otherKey = { "service.key": `${randomBytes(32).toString("hex")}\n` };
  for (const command of commands)
    expect(await refusal([...command, ...flags], env, otherKey)).toBe(
      "membrane: the service key is not the one this store was made with: restore that one, copy it from another node, or name it with --service-key-file",
    );
});

test("the operator's commands make no store in a database that has none", async () => {
  const { flags, env, config, query } = empty;
  const expected = `membrane: --store: there is no store in the database ${config.database}: name its database, or make it with "membrane init" or "membrane serve"`;
  for (const words of [
    ["tenant", "list"],
    ["tenant", "create", "--id", "a"],
    ["membrane", "list", "--tenant", "a"],
  ])
    expect(await refusal([...words, ...flags], env)).toBe(expected);
  expect(await query("SELECT to_regnamespace('membrane')::text AS schema")).toEqual([{ schema: null }]);
});

test("backup and restore name the tools of PostgreSQL instead, and the service key that these do not copy", async () => {
  const { flags, env } = used;
  for (const [command, tool] of [
    ["backup", "pg_dump"],
    ["restore", "pg_restore"],
  ] as const)
    expect(await refusal([command, "/nowhere/backup", ...flags], env)).toMatch(
      new RegExp(
        `^membrane: ${command}: the store is in PostgreSQL: .*${tool}.*service\\.key\\), without which`,
      ),
    );
});

test("a node with leases of another length than the running ones is refused, with one process and with several", async () => {
  const database = await createTestDatabase();
  await using directory = await temporaryDirectory();
  const data = join(directory.path, "data");
  await using _node = await database.startNode(data);
  const key = await readFile(join(data, "service.key"), "utf8");
  const flags = [
    ...ADDRESS,
    ...database.flags,
    ...LEASE_FLAGS.filter((flag) => !flag.startsWith("--lease-ms")),
  ];
  for (const workers of [1, 2]) {
    const words = ["serve", ...flags, "--lease-ms", "1799", "--workers", String(workers)];
    // The first of several processes has opened the store, which refuses only those that serve.
    const made = workers === 1 ? [] : ["engine"];
    expect(await refusal(words, database.env, { "service.key": key }, made)).toMatch(
      /^membrane: the nodes of this database have leases of 1800 ms, and this one has 1799 ms/,
    );
  }
});

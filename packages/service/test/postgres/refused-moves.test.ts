import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { call, createMembrane, exportThrough, tokenOf } from "../../../testkit/src/client.ts";
import { initDataDirectory } from "../../../testkit/src/data-directory.ts";
import { openNodeEngine } from "../../../testkit/src/postgres-engine.ts";
import { openRawPostgres } from "../../../testkit/src/raw-postgres.ts";
import type { RawRecord, RawStore } from "../../../testkit/src/raw-store.ts";
import { openRawLmdb } from "../../../testkit/src/raw-lmdb.ts";
import { runMembrane, spawnService } from "../../../testkit/src/process.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { mountSmallDisk } from "../../../testkit/src/small-disk.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { AUDIT_PREFIX } from "../../src/store/codec/audit-head-row.ts";
import { createKeyring } from "../../src/store/keys.ts";
import { readServiceKeyFile } from "../../src/store/service-key-file.ts";
import { readStoreFormat } from "../../src/store/postgres/transfer/arriving-store.ts";
import type { MovedTable } from "../../src/store/transfer/stored-rows.ts";
import { MOVED_TABLES } from "../../src/store/transfer/stored-rows.ts";
import type { TwoPlaces } from "../support/moves.ts";
import {
  databaseState,
  directoryState,
  directoryWithKey,
  filledDirectory,
  move,
  refusalOfMove,
  startStoppedMove,
  twoPlaces,
} from "../support/moves.ts";
import { signalAtStatement } from "../support/preload.ts";

/* What is not moved, with the flag at fault: the store stays where it is, and is served there as before. */

const keysOf = async ({ data }: TwoPlaces) =>
  createKeyring(await readServiceKeyFile(join(data, "service.key")));

/** Moves the filled store of a data directory into its database. */
async function filledDatabase(path: string): Promise<TwoPlaces> {
  const places = await filledDirectory(path);
  expect(await refusalOfMove(places.directory, places.database, places.env)).toBeUndefined();
  return places;
}

async function expectRefused(
  from: string,
  to: string,
  { env }: TwoPlaces,
  message: RegExp,
  flags: readonly string[] = [],
): Promise<void> {
  expect(await move(from, to, env, flags)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(message),
  });
}

async function expectRefusedHere(
  from: string,
  to: string,
  { env }: TwoPlaces,
  message: RegExp,
): Promise<void> {
  expect(await refusalOfMove(from, to, env)).toMatch(message);
}

test("a store that a service serves from a directory is refused, and the service serves on", async () => {
  await using data = await initDataDirectory();
  const places = await twoPlaces(data.path);
  await using service = await spawnService(data.path);
  const inUse = new RegExp(
    `^membrane: --from: the store is in use: stop the service first \\(it is open in the process ${service.pid}\\)\n$`,
  );
  await expectRefused(places.directory, places.database, places, inUse);
  expect(await databaseState(places)).toBe("absent");
  await createMembrane(service, data.tokens.create, "m");
});

test("a store that a node serves from a database is refused; the lease of a node that has died stops nothing", async () => {
  await using directory = await temporaryDirectory();
  const places = await filledDatabase(join(directory.path, "data"));
  const to = await directoryWithKey(join(directory.path, "to"), places.data);
  const node = await openNodeEngine(places.config, { keys: await keysOf(places), writeTimeoutMs: 10_000 });
  const inUse = /^--from: the store is in use: stop all nodes first \(1 of them renewed a lease just now\)$/;
  await expectRefusedHere(places.database, `lmdb:${to}`, places, inUse);
  await node.refresh();
  await node.close();
  await places.query("INSERT INTO membrane.lease (node, renewals, applied) VALUES (gen_random_uuid(), 1, 0)");
  expect(await refusalOfMove(places.database, `lmdb:${to}`, places.env)).toBeUndefined();
});

const SERVICE = fileURLToPath(new URL("../..", import.meta.url));

/** The names of files that a process has open. */
async function openFilesOf(pid: number): Promise<readonly string[]> {
  const directory = `/proc/${pid}/fd`;
  const descriptors = await readdir(directory).catch(() => []);
  const paths = descriptors.map((name) => readlink(join(directory, name)).catch(() => ""));
  return (await Promise.all(paths)).map((path) => basename(path));
}

test("while a store is moved nothing opens it, and nothing opens its copy; then nothing opens the store that was moved", async () => {
  await using directory = await temporaryDirectory();
  const places = await filledDirectory(join(directory.path, "data"));
  const script = signalAtStatement("ANALYZE", { signal: "SIGSTOP" });
  const moving = await startStoppedMove(places.directory, places.database, places.env, script);
  // In another process, since LMDB waits for the gate in the thread that opens it.
  const opening = spawn(process.execPath, ["bin/membrane.js", "tenant", "list", "--data", places.data], {
    cwd: SERVICE,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const opened = once(opening, "close");
  const errors: Buffer[] = [];
  opening.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
  await expect.poll(() => openFilesOf(opening.pid!)).toContain("gate.mdb");
  // It fails when it has waited for half a second, in which a store is opened that nothing holds.
  const node = openNodeEngine(places.config, { keys: await keysOf(places), writeTimeoutMs: 500 });
  await expect(node).rejects.toThrow("the store was not reached (55P03)");
  expect(opening.exitCode).toBeNull();
  expect(await openFilesOf(opening.pid!)).not.toContain("data.mdb");
  expect(await moving.resume()).toMatchObject({ code: 0 });
  await opened;
  expect(Buffer.concat(errors).toString()).toMatch(/^membrane: the store was moved to postgres:/);
  expect(await databaseState(places)).toBe("served");
});

test("a node that was stopped while its store was moved serves nothing when it goes on, and ends with 1", async () => {
  await using directory = await temporaryDirectory();
  const places = await filledDatabase(join(directory.path, "data"));
  const flags = ["--store", places.database];
  await using node = await spawnService(places.data, { flags, env: places.env });
  const tenant = await runMembrane(
    ["tenant", "create", "--id", "other", "--json", "--data", places.data, ...flags],
    places.env,
  );
  const create = tokenOf(JSON.parse(tenant.stdout).capabilities.create);
  const { export: token } = await createMembrane(node, create, "before");
  const exported = await exportThrough(node, token, { uri: "https://target.test/" });
  // There is no such target: the node knows the capability, and passes the request on.
  expect(await call(node, exported)).toMatchObject({ status: 502 });
  process.kill(node.pid, "SIGSTOP");
  const to = await directoryWithKey(join(directory.path, "to"), places.data);
  expect(await refusalOfMove(places.database, `lmdb:${to}`, places.env)).toBeUndefined();
  process.kill(node.pid, "SIGCONT");
  expect(await node.ended()).toEqual({ code: 1, signal: null });
  expect(node.logged().find(({ msg }) => msg === "lease refused")).toMatchObject({
    problem: expect.stringContaining("the store was changed since this node has opened it"),
  });
  for (const statement of [
    "INSERT INTO membrane.lease (node, renewals, applied) VALUES (gen_random_uuid(), 0, -1)",
    "UPDATE membrane.record SET body = body",
    "UPDATE membrane.head SET position = position",
  ])
    await expect(places.query(statement)).rejects.toMatchObject({ code: "23514" });
});

test("another service key than that of the store is refused", async () => {
  await using directory = await temporaryDirectory();
  const places = await filledDirectory(join(directory.path, "data"));
  const other = join(directory.path, "other.key");
  await writeFile(other, `${"ab".repeat(32)}\n`, { mode: 0o600 });
  const flags = ["--service-key-file", other];
  const wrongKey = /^membrane: --from: the service key is not the one this store was made with/;
  await expectRefused(places.directory, places.database, places, wrongKey, flags);
  expect(await directoryState(places.data)).toBe("served");
  expect(await move(places.directory, places.database, places.env)).toMatchObject({ code: 0 });
  await mkdir(join(directory.path, "to"));
  const to = `lmdb:${join(directory.path, "to")}`;
  await expectRefused(places.database, to, places, wrongKey, flags);
  await expectRefused(places.database, to, places, /^membrane: .*to\/service\.key: is missing/);
  expect(await databaseState(places)).toBe("served");
});

test("a place that has a store already is refused, and that store stays", async () => {
  await using directory = await temporaryDirectory();
  const places = await filledDirectory(join(directory.path, "data"));
  const taken = /^membrane: --to: there is a store already: name a place that has none\n$/;
  await (await openNodeEngine(places.config, { keys: await keysOf(places), writeTimeoutMs: 10_000 })).close();
  await expectRefused(places.directory, places.database, places, taken);
  const other = await directoryWithKey(join(directory.path, "other"), places.data);
  await (await startTestService({ directory: other, engine: "lmdb" })).close();
  await expectRefused(places.directory, `lmdb:${other}`, places, taken);
  expect(await directoryState(places.data)).toBe("served");
  expect(await directoryState(other)).toBe("served");
});

test("a store with another service key, or one that was moved away, is a store that is there already", async () => {
  await using directory = await temporaryDirectory();
  const places = await filledDirectory(join(directory.path, "data"));
  const other = await filledDirectory(join(directory.path, "other"));
  const otherKey =
    /^--to: there is a store already, which has another service key: name a place that has none$/;
  await expectRefusedHere(places.directory, other.directory, places, otherKey);
  expect(await refusalOfMove(other.directory, other.database, other.env)).toBeUndefined();
  await expectRefusedHere(places.directory, other.database, other, otherKey);

  const third = await directoryWithKey(join(directory.path, "third"), other.data);
  expect(await refusalOfMove(other.database, `lmdb:${third}`, other.env)).toBeUndefined();
  const moved =
    /^--to: the store there was moved to lmdb:.*third before: when you have a backup, DROP SCHEMA/;
  await expectRefusedHere(`lmdb:${third}`, other.database, other, moved);
});

test("a store whose tables belong to another user is refused before it is copied, with the owner and what to do", async () => {
  await using directory = await temporaryDirectory();
  const places = await filledDatabase(join(directory.path, "data"));
  const { user, host, port, database } = places.config;
  const role = `${database}_mover`;
  await places.query(`CREATE ROLE ${role} LOGIN PASSWORD 'of the role'`);
  const [url, env] = [`postgres://${role}@${host}:${port}/${database}`, { PGPASSWORD: "of the role" }];
  const list = ["tenant", "list", "--data", places.data, "--store", url];
  expect((await runMembrane(list, env)).stderr).toContain(
    `--store: the schema membrane belongs to ${user}: ALTER SCHEMA membrane OWNER TO ${role}`,
  );
  await places.query(`GRANT ALL ON SCHEMA membrane TO ${role}`);
  await places.query(`GRANT ALL ON ALL TABLES IN SCHEMA membrane TO ${role}`);
  const to = await directoryWithKey(join(directory.path, "to"), places.data);
  const owned = new RegExp(
    `^--from: the table membrane.audit belongs to ${user}: ALTER TABLE membrane.audit OWNER TO ${role}$`,
  );
  await expectRefusedHere(url, `lmdb:${to}`, { ...places, env }, owned);
  expect(await databaseState(places)).toBe("served");
});

/** Changes the last bit of the body of the last row of a table, before its MAC. */
async function changeRow(opening: Promise<RawStore>, moved: MovedTable): Promise<void> {
  await using raw = await opening;
  const table = moved === "audit" ? "meta" : moved;
  const isMoved = ({ key }: RawRecord): boolean =>
    moved !== "audit" || key.subarray(0, AUDIT_PREFIX.length).equals(AUDIT_PREFIX);
  const { key, value } = (await raw.rows(table)).findLast(isMoved)!;
  const changed = Buffer.from(value);
  changed[Math.max(0, changed.length - 33)]! ^= 1;
  await raw.write(table, key, changed);
}

test.each(MOVED_TABLES)(
  "a row of %s that was changed stops a move both ways, and makes no store at the destination",
  async (table) => {
    await using directory = await temporaryDirectory();
    const places = await filledDirectory(join(directory.path, "data"));
    const changed = new RegExp(`^--from: a row of table ${table} is not what was written$`);
    await changeRow(openRawLmdb(places.data), table);
    await expectRefusedHere(places.directory, places.database, places, changed);
    expect(await databaseState(places)).toBe("absent");

    const whole = await filledDatabase(join(directory.path, "whole"));
    await changeRow(openRawPostgres(whole.data), table);
    const to = await directoryWithKey(join(directory.path, "to"), whole.data);
    await expectRefusedHere(whole.database, `lmdb:${to}`, whole, changed);
    expect(await readdir(to)).toEqual(["service.key"]);
    expect(await databaseState(whole)).toBe("served");
  },
);

test.each([
  ["nodes", "UPDATE membrane.record SET depends_on = '{}'"],
  ["nodes", "UPDATE membrane.record SET name = name || 'x'"],
  ["names", "UPDATE membrane.name SET holder = gen_random_uuid()"],
  ["lookups", "UPDATE membrane.lookup SET uid = gen_random_uuid()"],
  ["sweep", "UPDATE membrane.sweep SET is_root = NOT is_root"],
])("a column of %s that a MAC does not cover stops a move: %s", async (table, statement) => {
  await using directory = await temporaryDirectory();
  const places = await filledDatabase(join(directory.path, "data"));
  await places.query(statement);
  const to = await directoryWithKey(join(directory.path, "to"), places.data);
  const changed = new RegExp(`^--from: a column in clear of table ${table} is not what was written$`);
  await expectRefusedHere(places.database, `lmdb:${to}`, places, changed);
});

test("a count whose kind no program has written stops a move", async () => {
  await using directory = await temporaryDirectory();
  const places = await filledDatabase(join(directory.path, "data"));
  await places.query("UPDATE membrane.count SET kind = kind + 256 WHERE kind = 2");
  const to = await directoryWithKey(join(directory.path, "to"), places.data);
  const unknown = /^--from: a count has an unknown kind$/;
  await expectRefusedHere(places.database, `lmdb:${to}`, places, unknown);
});

test("a copy that lacks a row is not taken for the store", async () => {
  await using directory = await temporaryDirectory();
  const places = await filledDirectory(join(directory.path, "data"));
  expect(await readStoreFormat(places.config, await keysOf(places))).toBeUndefined();
  await places.query(`
    CREATE FUNCTION public.drop_one() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF EXISTS (SELECT FROM membrane.child) THEN RETURN NULL; END IF; RETURN NEW; END $$;
    CREATE TRIGGER drop_one BEFORE INSERT ON membrane.child FOR EACH ROW EXECUTE FUNCTION public.drop_one()`);
  const differs = /^--to: the table children has \d+ rows with SHA-256 [0-9a-f]{64}, its copy \d+ rows/;
  await expectRefusedHere(places.directory, places.database, places, differs);
  expect(await databaseState(places)).toBe("absent");
  expect(await directoryState(places.data)).toBe("served");
});

test("a disk that is full stops a move, leaves nothing on it, and the move succeeds when there is room", async () => {
  await using directory = await temporaryDirectory();
  const places = await filledDatabase(join(directory.path, "data"));
  await using disk = await mountSmallDisk(8);
  const to = await directoryWithKey(join(disk.path, "to"), places.data);
  disk.fill();
  const full = /^membrane: --to: .* cannot be written, since the disk is full: free some space\n$/;
  await expectRefused(places.database, `lmdb:${to}`, places, full);
  expect(await readdir(to)).toEqual(["service.key"]);
  expect(await databaseState(places)).toBe("served");
  await disk.empty();
  expect(await move(places.database, `lmdb:${to}`, places.env)).toMatchObject({ code: 0 });
  expect(await directoryState(to)).toBe("served");
});

test("the same place twice, a directory without a store, and a database without one are refused", async () => {
  await using directory = await temporaryDirectory();
  const places = await filledDirectory(join(directory.path, "data"));
  const empty = await directoryWithKey(join(directory.path, "empty"), places.data);
  const same = /^--to: expected another place than --from$/;
  await expectRefusedHere(places.directory, `${places.directory}/.`, places, same);
  await expectRefusedHere(`lmdb:${empty}`, places.database, places, /^--from: there is no store in /);
  const typo = `${places.directory}-typo`;
  await expectRefusedHere(typo, places.database, places, /^--from: there is no store in .*-typo$/);
  await expectRefusedHere(places.database, `lmdb:${empty}`, places, /^--from: there is no store$/);
});

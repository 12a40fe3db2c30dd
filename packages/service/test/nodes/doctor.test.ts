import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { alterServer } from "../../../testkit/src/postgres-engine.ts";
import { freePort } from "../../../testkit/src/free-port.ts";
import { runMembrane } from "../../../testkit/src/process.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import type { TestDatabase } from "../../../testkit/src/test-database.ts";
import { createTestDatabase, databaseAt, LEASE_FLAGS } from "../../../testkit/src/test-database.ts";

async function doctor(database: Pick<TestDatabase, "flags" | "env">, data: string, ...flags: string[]) {
  const args = ["doctor", "--data", data, "--listen", "127.0.0.1:0", "--authority", "membrane.test"];
  const { code, stdout, stderr } = await runMembrane([...args, ...database.flags, ...flags], database.env);
  expect(stderr).toBe("");
  const lines = stdout.trimEnd().split("\n");
  const failed = lines.filter((line) => line.startsWith("FAIL")).map((line) => line.slice(6));
  expect(code).toBe(failed.length === 0 ? 0 : 1);
  return { text: stdout, failed };
}

test("before the first start the doctor reports the server, creates nothing in the database, and checks the rights to do so", async () => {
  await using directory = await temporaryDirectory();
  const database = await createTestDatabase();
  const data = join(directory.path, "data");
  const { failed, text } = await doctor(database, data);
  expect(failed).toEqual([]);
  expect(text).toMatch(/^ok {4}database: PostgreSQL 18\S*, a primary$/m);
  expect(text).toMatch(/^ok {4}durability: fsync and full_page_writes are on; synchronous_commit is on$/m);
  expect(text).toMatch(/^ok {4}encryption: none, and the server is on this machine$/m);
  expect(text).toMatch(/^warn {2}standby: synchronous_standby_names is empty: /m);
  expect(text).toMatch(/^ok {4}clock of the server: \d+ ms (?:ahead|behind) \(±\d+ ms\)$/m);
  expect(text).toMatch(/^ok {4}connections: 1 process\(es\) use up to \d+ of \d+$/m);
  expect(text).toMatch(/^ok {4}schema: none yet, the first start makes it$/m);
  expect(text).toMatch(/^ok {4}service key: none yet/m);
  expect(await database.query("SELECT to_regnamespace('membrane')::text AS schema")).toEqual([
    { schema: null },
  ]);
});

test("while nodes serve the doctor reports their number, the kept lease and its round trip, and a node that would be refused", async () => {
  await using directory = await temporaryDirectory();
  const database = await createTestDatabase();
  const data = join(directory.path, "data");
  await using _node = await database.startNode(data);
  const well = await doctor(database, data, ...LEASE_FLAGS);
  expect(well.failed).toEqual([]);
  expect(well.text).toMatch(/^ok {4}schema: version \d+$/m);
  expect(well.text).toMatch(/^ok {4}lease: 1800 ms, 1 process\(es\) serve$/m);
  expect(well.text).toMatch(/lease round trip: \d+\.\d ms for a durable write/);
  expect(well.text).toMatch(
    new RegExp(`^ok {4}store: the database ${database.config.database}, 1 tenant\\(s\\)$`, "m"),
  );
  expect((await doctor(database, data)).failed).toEqual([
    "lease: 1800 ms, 1 process(es) serve, and --lease-ms is 1000 here: give it the same, or stop all nodes to change it",
  ]);
  await database.query(
    "INSERT INTO membrane.lease (node, renewals, applied) VALUES (gen_random_uuid(), 1, 0)",
  );
  expect((await doctor(database, data, ...LEASE_FLAGS)).text).toMatch(/1800 ms, 1 process\(es\) serve$/m);
  const other = await doctor(database, join(directory.path, "other"), ...LEASE_FLAGS);
  expect(other.failed[0]).toMatch(/^service key: .* is missing, .*: copy it from another node/);
});

test("the doctor fails with a server that loses writes, and with one that is gone, once and with what to do", async () => {
  await using directory = await temporaryDirectory();
  const database = await createTestDatabase();
  {
    await using _altered = await alterServer({ fsync: "off" });
    expect((await doctor(database, directory.path)).failed).toEqual([
      "database: the server has fsync off, and would lose acknowledged revokes: turn it on",
    ]);
  }
  const port = await freePort();
  const gone = { ...database, flags: ["--store", database.url.replace(/:\d+\//, `:${port}/`)] };
  expect((await doctor(gone, directory.path)).failed).toEqual([
    `database: --store: no server listens at 127.0.0.1:${port}: is it running there, and for this network? (ECONNREFUSED)`,
  ]);
});

test("a user who may not create a schema fails until an administrator has created it, and may then start the service", async () => {
  await using directory = await temporaryDirectory();
  const database = await createTestDatabase();
  const { config, query } = database;
  const role = `${config.database}_role`;
  await query(`CREATE ROLE ${role} LOGIN PASSWORD 'of the role'`);
  const limited = databaseAt({ ...config, user: role, password: "of the role" }, config.port);
  const data = join(directory.path, "data");
  const advice = `the user ${role} may not write: let it own the schema membrane with its tables, or without that schema, GRANT CREATE ON DATABASE ${config.database} TO ${role}`;
  expect((await doctor(limited, data)).failed).toEqual([`schema: ${advice}`]);
  const init = ["init", "--data", data, ...limited.flags];
  expect((await runMembrane(init, limited.env)).stderr).toContain(`membrane: --store: ${advice}`);
  await expect(readdir(data), "a refused start makes nothing").rejects.toThrow("ENOENT");
  await query("CREATE SCHEMA membrane");
  expect((await doctor(limited, data)).failed).toEqual([
    `database: --store: the schema membrane belongs to ${config.user}: ALTER SCHEMA membrane OWNER TO ${role}`,
  ]);
  await query(`GRANT USAGE ON SCHEMA membrane TO ${role}`);
  expect((await doctor(limited, data)).failed).toEqual([`schema: ${advice}`]);
  await query(`ALTER SCHEMA membrane OWNER TO ${role}`);
  expect((await doctor(limited, data)).failed).toEqual([]);
  expect((await runMembrane(init, limited.env)).code).toBe(0);
  expect((await doctor(limited, data)).failed).toEqual([]);
});

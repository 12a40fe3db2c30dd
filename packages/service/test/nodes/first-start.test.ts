import { randomBytes } from "node:crypto";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createMembrane } from "../../../testkit/src/client.ts";
import { firstTokens } from "../../../testkit/src/data-directory.ts";
import { openNodeEngine } from "../../../testkit/src/postgres-engine.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { runMembrane } from "../../../testkit/src/process.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import type { TestDatabase } from "../../../testkit/src/test-database.ts";
import { createTestDatabase, LEASE_FLAGS } from "../../../testkit/src/test-database.ts";
import { createServiceKeys } from "../../src/store/keys.ts";
import { openConnection } from "../../src/store/postgres/connection.ts";

/** For starts on a busy machine. */
const TIMEOUT_MS = 60_000;

async function directoryWithKey(parent: string, name: string, key: string): Promise<string> {
  const data = join(parent, name);
  await mkdir(data, { mode: 0o700 });
  await writeFile(join(data, "service.key"), key, { mode: 0o600 });
  return data;
}

/** Makes a store without a tenant. */
async function makeStore({ config }: TestDatabase, key: string): Promise<void> {
  const keys = createServiceKeys(Buffer.from(key.trim(), "hex"));
  const engine = await openNodeEngine(config, { keys, writeTimeoutMs: TIMEOUT_MS });
  await engine.close();
}

/** Clients of the database that wait for a lock: of a table, or of the first of them that has inserted a name. */
const WAITING = `
  SELECT DISTINCT pid FROM pg_locks WHERE NOT granted AND pid IN (
    SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE d.datname = current_database()
  )`;

/** Starts nodes, of which each has found no tenant before any has made one. */
async function startAtOnce(
  database: TestDatabase,
  directories: readonly string[],
): Promise<ServiceProcess[]> {
  const connection = openConnection(database.config, TIMEOUT_MS);
  try {
    await connection.begin();
    await connection.query("LOCK TABLE membrane.record IN SHARE MODE");
    const flags = [...LEASE_FLAGS, "--store-write-timeout-ms", String(TIMEOUT_MS)];
    const starting = Promise.all(directories.map((data) => database.startNode(data, flags)));
    const waiting = async (): Promise<number> => (await connection.query(WAITING)).length;
    await expect.poll(waiting, { timeout: TIMEOUT_MS }).toBe(directories.length);
    await connection.rollback();
    return await starting;
  } finally {
    await connection.close();
  }
}

async function tenants(database: TestDatabase, data: string): Promise<readonly string[]> {
  const args = ["tenant", "list", "--json", "--data", data, ...database.flags];
  const { stdout } = await runMembrane(args, database.env);
  return JSON.parse(stdout).tenants.map(({ id }: { readonly id: string }) => id);
}

test("two nodes that start at once on an empty store make one tenant, and both serve it", async () => {
  await using directory = await temporaryDirectory();
  const database = await createTestDatabase();
  const key = `${randomBytes(32).toString("hex")}\n`;
  const directories = await Promise.all(
    ["a", "b"].map((name) => directoryWithKey(directory.path, name, key)),
  );
  await makeStore(database, key);
  const nodes = await startAtOnce(database, directories);
  try {
    const files = await Promise.all(directories.map((data) => readdir(data)));
    const winners = directories.filter((_data, index) => files[index]!.includes("first-capabilities.json"));
    expect(winners).toHaveLength(1);
    // The other node leaves none of the capabilities that it had prepared.
    expect(files.flat().filter((name) => name.startsWith("first-capabilities"))).toHaveLength(1);
    const { create } = await firstTokens(winners[0]!);
    for (const [index, node] of nodes.entries()) await createMembrane(node, create, `m${index}`);
    expect(await tenants(database, directories[0]!)).toEqual(["default"]);
    expect(
      await database.query("SELECT FROM membrane.record WHERE cardinality(depends_on) = 0"),
    ).toHaveLength(2);
  } finally {
    for (const node of nodes) await node[Symbol.asyncDispose]();
  }
});

test("of nodes that start at once, each with a new service key, one serves, and the others are refused and make no tenant", async () => {
  await using directory = await temporaryDirectory();
  const database = await createTestDatabase();
  const directories = ["a", "b", "c"].map((name) => join(directory.path, name));
  const started = await Promise.allSettled(directories.map((data) => database.startNode(data)));
  const nodes = started.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  try {
    expect(nodes).toHaveLength(1);
    for (const one of started)
      if (one.status === "rejected")
        expect(String(one.reason)).toMatch(
          /membrane: (?:the service key is not the one|--service-key-file: .* has a store)/,
        );
    const winner = directories[started.findIndex(({ status }) => status === "fulfilled")]!;
    expect(await tenants(database, winner)).toEqual(["default"]);
    const { create } = await firstTokens(winner);
    await createMembrane(nodes[0] as ServiceProcess, create, "m");
  } finally {
    for (const node of nodes) await node[Symbol.asyncDispose]();
  }
});

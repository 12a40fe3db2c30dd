import { randomBytes } from "node:crypto";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createMembrane } from "../../../testkit/src/client.ts";
import { firstTokens } from "../../../testkit/src/data-directory.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { runMembrane } from "../../../testkit/src/process.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import type { TestDatabase } from "../../../testkit/src/test-database.ts";
import { createTestDatabase } from "../../../testkit/src/test-database.ts";

async function directoryWithKey(parent: string, name: string, key: string): Promise<string> {
  const data = join(parent, name);
  await mkdir(data, { mode: 0o700 });
  await writeFile(join(data, "service.key"), key, { mode: 0o600 });
  return data;
}

/** How many records of each type there are: a tenant is one that depends on nothing and has a name. */
async function tenants(database: TestDatabase, data: string): Promise<readonly string[]> {
  const args = ["tenant", "list", "--json", "--data", data, ...database.flags];
  const { stdout } = await runMembrane(args, database.env);
  return JSON.parse(stdout).tenants.map(({ id }: { readonly id: string }) => id);
}

test("two nodes that start at once on an empty database make one tenant, and both serve it", async () => {
  await using directory = await temporaryDirectory();
  const database = await createTestDatabase();
  const key = `${randomBytes(32).toString("hex")}\n`;
  const directories = await Promise.all(
    ["a", "b"].map((name) => directoryWithKey(directory.path, name, key)),
  );
  const nodes = await Promise.all(directories.map((data) => database.startNode(data)));
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

test("of nodes that start at once without a key, those that share the winner's serve, and the others make no tenant", async () => {
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

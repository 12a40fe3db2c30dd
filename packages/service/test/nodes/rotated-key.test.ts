import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { call, createMembrane, expectStatus, exportThrough } from "../../../testkit/src/client.ts";
import { firstTokens } from "../../../testkit/src/data-directory.ts";
import { runMembrane, runToItsEnd, spawnService } from "../../../testkit/src/process.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { createTestDatabase } from "../../../testkit/src/test-database.ts";
import { copySchema } from "../support/key-place.ts";

/** Two data directories of nodes with the same key, and the database that they share. */
async function twoNodes(directory: string) {
  const database = await createTestDatabase();
  const [one, two] = [join(directory, "one"), join(directory, "two")];
  const run = (words: readonly string[], data = one) =>
    runToItsEnd([...words, "--data", data, ...database.flags], database.env);
  const copyKey = () => copyFile(join(one, "service.key"), join(two, "service.key"));
  {
    await using first = await database.startNode(one);
    await first.end("SIGTERM");
  }
  await mkdir(two, { mode: 0o700 });
  await copyKey();
  return { database, one, two, run, copyKey, tokens: await firstTokens(one) };
}

test("while a node serves, keys are counted and none is rotated or dropped", async () => {
  await using directory = await temporaryDirectory();
  const { database, two, run } = await twoNodes(directory.path);
  await using _node = await database.startNode(two);
  for (const words of [
    ["key", "rotate"],
    ["key", "drop", "1", "--forgets", "4"],
  ]) {
    const refused = await run(words);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("the store is in use: stop all nodes first (1 of them renewed a lease");
  }
  expect((await run(["key", "status"])).stdout).toMatch(/is in use: 4 capabilities need it/);
});

test("a node without the new key refuses to start and names it by its id; with it all nodes serve each token, and rekey it once", async () => {
  await using directory = await temporaryDirectory();
  await using target = await startTarget();
  const { database, one, two, run, copyKey, tokens } = await twoNodes(directory.path);
  const exported: string[] = [];
  {
    await using node = await database.startNode(two);
    const membrane = await createMembrane(node, tokens.create, "m");
    for (let number = 0; number < 20; number += 1)
      exported.push(await exportThrough(node, membrane.export, { uri: target.url }));
    await node.end("SIGTERM");
  }
  const rotated = await run(["key", "rotate"]);
  expect(rotated).toMatchObject({ code: 0 });
  expect(rotated.stdout).toContain("Copy the file to every other node before it starts.");
  const [, id] = /^The service key 2 \(([0-9a-f]{8})\)/.exec(rotated.stdout)!;
  const refused = await run(["serve", "--listen", "127.0.0.1:0", "--authority", "a.test", "--no-tls"], two);
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toContain(`the store needs the service key 2 (${id})`);
  const secret = (await readFile(join(one, "service.key"), "utf8")).trim().split("\n");
  for (const line of secret) expect(refused.stderr).not.toContain(line);

  await copyKey();
  await using first = await database.startNode(one);
  await using second = await database.startNode(two);
  const all = exported.flatMap((token) => [first, second, first].map((node) => call(node, token)));
  for (const response of await Promise.all(all)) expectStatus(response, 200);
  const needed = async (): Promise<number> => {
    const { stdout } = await run(["key", "status", "--json"]);
    const { keys } = JSON.parse(stdout) as { keys: { key: number; capabilities: number }[] };
    expect(keys.reduce((sum, { capabilities }) => sum + capabilities, 0)).toBe(4 + 2 + 20);
    return keys.find(({ key }) => key === 1)!.capabilities;
  };
  // The others were not presented.
  await expect
    .poll(async () => {
      for (const token of exported) expectStatus(await call(second, token), 200);
      return needed();
    })
    .toBe(4 + 2);
});

test("a node whose copy of the key file is not marked says so at its start, and would serve an old store that is put back; with the marked copy none does", async () => {
  await using directory = await temporaryDirectory();
  const { database, one, two, run, copyKey } = await twoNodes(directory.path);
  const putBack = await copySchema(database);
  expect(await run(["key", "rotate"])).toMatchObject({ code: 0 });
  const marked = await readFile(join(one, "service.key"), "utf8");
  await writeFile(join(two, "service.key"), marked.replace("retired ", ""));
  const warnings = async (data: string): Promise<readonly (string | undefined)[]> => {
    await using node = await database.startNode(data);
    await node.end("SIGTERM");
    const advice = node.logged().filter(({ subject }) => subject === "service key");
    return advice.map(({ problem }) => problem);
  };
  expect(await warnings(one)).toEqual([]);
  const unmarked = expect.stringContaining("line 1 of ");
  expect(await warnings(two)).toEqual([unmarked]);
  await putBack();
  const serve = ["serve", "--listen", "127.0.0.1:0", "--authority", "a.test", "--no-tls"];
  const expectRefused = async (data: string): Promise<void> => {
    const refused = await run(serve, data);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("which line 1 of the service key file marks as retired");
  };
  await expectRefused(one);
  // It cannot tell a key that waits for its rotation from one whose rotation was undone.
  expect(await warnings(two)).toEqual([expect.stringContaining("has a newer key than the store uses")]);
  await copyKey();
  await expectRefused(two);
});

test("a node that was stopped while the key was rotated is given no lease, says so, and ends with 1", async () => {
  await using directory = await temporaryDirectory();
  const { database, two, run } = await twoNodes(directory.path);
  await using node = await database.startNode(two);
  process.kill(node.pid, "SIGSTOP");
  const rotated = await run(["key", "rotate"]);
  expect(rotated.code, rotated.stderr).toBe(0);
  process.kill(node.pid, "SIGCONT");
  expect(await node.ended()).toEqual({ code: 1, signal: null });
  expect(node.logged().find(({ msg }) => msg === "lease refused")).toMatchObject({
    level: "error",
    problem: expect.stringContaining("the store was changed since this node has opened it"),
  });
});

test("a store whose key was rotated moves to a database and back with all keys that it needs, and is rotated there", async () => {
  await using directory = await temporaryDirectory();
  const database = await createTestDatabase();
  const [from, back] = [join(directory.path, "from"), join(directory.path, "back")];
  const inDatabase = ["--data", from, ...database.flags];
  const run = async (words: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await runMembrane(words, database.env);
    expect(code, stderr).toBe(0);
    return stdout;
  };
  const keysOf = async (place: readonly string[]): Promise<readonly number[]> => {
    const { keys } = JSON.parse(await run(["key", "status", "--json", ...place])) as {
      keys: { capabilities: number }[];
    };
    return keys.map(({ capabilities }) => capabilities);
  };
  {
    await using service = await spawnService(from);
    await service.end("SIGTERM");
  }
  await run(["key", "rotate", "--data", from]);
  const { create, query } = await firstTokens(from);
  {
    await using service = await spawnService(from);
    expectStatus(await call(service, create, { body: {} }), 400);
    // In the background: a process that ends gives up what it has not begun to write.
    await expect.poll(() => keysOf(["--data", from]), { timeout: 20_000 }).toEqual([1, 3]);
    await service.end("SIGTERM");
  }

  await run(["migrate", "--from", `lmdb:${from}`, "--to", database.url]);
  expect(await keysOf(inDatabase)).toEqual([1, 3]);
  await run(["key", "rotate", ...inDatabase]);
  {
    await using node = await database.startNode(from);
    expectStatus(await call(node, create, { body: {} }), 400);
    expectStatus(await call(node, query), 200);
    await expect.poll(() => keysOf(inDatabase), { timeout: 20_000 }).toEqual([2, 0, 2]);
    await node.end("SIGTERM");
  }

  await mkdir(back, { mode: 0o700 });
  await copyFile(join(from, "service.key"), join(back, "service.key"));
  await run(["migrate", "--from", database.url, "--to", `lmdb:${back}`]);
  expect(await keysOf(["--data", back])).toEqual([2, 0, 2]);
  await using service = await spawnService(back);
  for (const [token, status] of [
    [create, 405],
    [query, 200],
  ] as const)
    expectStatus(await call(service, token), status);
});

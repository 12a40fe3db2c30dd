import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runMembrane } from "../../../testkit/src/process.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { createTestDatabase, databaseAt } from "../../../testkit/src/test-database.ts";

test("a machine that has not served a shared database prints no capability that leads to localhost", async () => {
  await using directory = await temporaryDirectory();
  const { flags, env } = await createTestDatabase();
  const [node, other] = [join(directory.path, "node"), join(directory.path, "other")];
  const made = ["init", "--data", node, "--authority", "membrane.test", ...flags];
  expect(await runMembrane(made, env)).toMatchObject({ code: 0 });
  await mkdir(other, { mode: 0o700 });
  await copyFile(join(node, "service.key"), join(other, "service.key"));
  const run = (words: readonly string[]) => runMembrane([...words, "--data", other, ...flags], env);
  for (const words of [
    ["tenant", "create", "--id", "a"],
    ["tenant", "reissue", "--id", "default"],
  ]) {
    const refused = await run(words);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain(`membrane: --authority: required, since ${other} does not know`);
  }
  expect(await run(["tenant", "list"])).toMatchObject({ code: 0, stdout: "default\n" });
  const named = await run(["tenant", "create", "--id", "a", "--authority", "membrane.test"]);
  expect(named).toMatchObject({ code: 0, stdout: expect.stringContaining("cpblty://membrane.test/#") });
});

test("a role with too few connections, and one that may not connect, end a start with what to change", async () => {
  await using directory = await temporaryDirectory();
  const { config, query } = await createTestDatabase();
  const role = `${config.database}_role`;
  await query(`CREATE ROLE ${role} LOGIN PASSWORD 'of the role' CONNECTION LIMIT 1`);
  await query(`CREATE SCHEMA membrane AUTHORIZATION ${role}`);
  const limited = databaseAt({ ...config, user: role, password: "of the role" }, config.port);
  const data = join(directory.path, "data");
  const serve = [
    "serve",
    "--data",
    data,
    "--listen",
    "127.0.0.1:0",
    "--authority",
    "membrane.test",
    "--no-tls",
  ];
  const ended = await runMembrane([...serve, ...limited.flags], limited.env);
  expect(ended).toMatchObject({ code: 1, stdout: "" });
  expect(ended.stderr).toMatch(
    /membrane: --store: .*raise max_connections, or the CONNECTION LIMIT.*\(53300\)$/m,
  );
  expect(ended.stderr).not.toContain('"fault"');
  await query(`REVOKE CONNECT ON DATABASE ${config.database} FROM PUBLIC`);
  expect((await runMembrane([...serve, ...limited.flags], limited.env)).stderr).toContain(
    `GRANT CONNECT ON DATABASE ${config.database} TO ${role}`,
  );
});

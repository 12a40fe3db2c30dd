import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestTarget } from "../../testkit/src/target.ts";
import { startTarget } from "../../testkit/src/target.ts";
import type { Home, Installation } from "./support/installation.ts";
import { startInstallation } from "./support/installation.ts";

let installation: Installation;
let target: TestTarget;
beforeAll(async () => {
  [installation, target] = await Promise.all([
    startInstallation(),
    startTarget((_, response) => response.end("from the target")),
  ]);
});
afterAll(async () => {
  await installation[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

test("with the profile that the service wrote, a membrane is created, used and revoked by its name", async () => {
  const made = JSON.parse(await installation.succeed(["membrane", "create", "--id", "by profile"]));
  expect(made).toEqual({
    id: "by profile",
    capabilities: { export: expect.any(String), revoke: expect.any(String) },
  });
  const { capability } = JSON.parse(
    await installation.succeed(["membrane", "export", "--id", "by profile", "--uri", target.url]),
  );
  expect(await installation.succeed(["request", capability])).toBe("from the target");

  await installation.succeed(["membrane", "create", "--id", "for bob"]);
  const passed = ["membrane", "export", "--id", "for bob", "--capability-to-export", capability];
  const reexport = await installation.succeed([...passed, "--output", "uri"]);
  expect(reexport).toMatch(/^cpblty:/);
  expect(await installation.succeed(["request", reexport])).toBe("from the target");

  expect(JSON.parse(await installation.succeed(["membrane", "revoke", "--id", "for bob"]))).toEqual({
    statusCode: 202,
    message: "Accepted",
  });
  expect((await installation.capi(["request", reexport])).stderr).toContain("401 Unauthorized");
  expect(await installation.succeed(["request", capability])).toBe("from the target");

  await installation.succeed(["membrane", "revoke", "--id", "by profile"]);
  expect((await installation.capi(["request", capability])).code).toBe(1);
});

test("without a profile, the same commands work with options", async () => {
  const otherHome = await installation.createOtherHome();
  const trust = ["--cacert", installation.ca];
  const variables = await installation.succeed([
    "membrane",
    "create",
    "--id",
    "by options",
    "--capability",
    installation.capabilities.create,
    "--output",
    "env",
  ]);
  const { EXPORT_URI = "", REVOKE_URI = "", EXPORT_TOKEN = "" } = readVariables(variables);
  expect(EXPORT_URI.endsWith(`#${EXPORT_TOKEN}`)).toBe(true);

  const exporting = await otherHome.file("export.txt", `${EXPORT_URI}\n`);
  const args = ["membrane", "export", "--capability", `@${exporting}`, "--uri", target.url, ...trust];
  const capability = await otherHome.file(
    "capability",
    await otherHome.succeed([...args, "--output", "uri"]),
  );
  expect(await otherHome.succeed(["request", `@${capability}`, ...trust])).toBe("from the target");
  expect(
    await otherHome.succeed(["request", "--capability", "@-", ...trust], await readFile(capability)),
  ).toBe("from the target");

  const revoke = ["membrane", "revoke", "--capability", REVOKE_URI, ...trust];
  const accepted = await otherHome.succeed(revoke);
  expect(await otherHome.succeed(revoke)).toBe(accepted);
  expect((await otherHome.capi(["request", `@${capability}`, ...trust])).stderr).toContain("401");
});

test("a file of trusted authorities works in place of a CA file", async () => {
  const otherHome = await installation.createOtherHome();
  const pem = await readFile(installation.ca, "utf8");
  const file = await otherHome.file("trust.json", JSON.stringify({ [installation.authority]: pem }));
  const args = ["membrane", "query", "--capability", installation.capabilities.query];
  expect((await otherHome.capi(args)).code).toBe(1);
  expect(JSON.parse(await otherHome.succeed([...args, "--trustedCA-file-path", file]))).toHaveProperty(
    "completed",
  );
});

test("query lists all membranes page by page in the order of their names", async () => {
  for (const id of ["list-1", "list-2", "list-3"])
    await installation.succeed(["membrane", "create", "--id", id]);
  const query = async (...args: readonly string[]) =>
    JSON.parse(await installation.succeed(["membrane", "query", ...args]));
  expect(await query("--last-id", "list-", "--limit", "2")).toMatchObject({
    membranes: [{ id: "list-1" }, { id: "list-2" }],
    completed: false,
  });
  expect(await query("--last-id", "list-2", "--limit", "1000")).toMatchObject({
    membranes: [{ id: "list-3" }],
    completed: true,
  });
  expect(await query("--id", "list-2")).toMatchObject({ membranes: [{ id: "list-2" }], completed: true });
  expect(await query("--id", "list-4")).toEqual({ membranes: [], completed: true });
  expect(
    (await installation.succeed(["membrane", "query", "--id", "list-1", "--output", "uri"])).split("\n"),
  ).toHaveLength(2);
});

test("a profile that a user configured works like the first one, and delete-self ends its tenant", async () => {
  const otherHome: Home = await installation.createOtherHome();
  const { create, query, deleteSelf } = installation.capabilities;
  const file = await otherHome.file("deleteSelf", deleteSelf);
  await otherHome.succeed(
    [
      "config",
      "configure",
      "--service",
      "membrane",
      "--profile",
      "work",
      "--create",
      create,
      "--query",
      "@-",
      "--delete-self",
      `@${file}`,
      "--cacert",
      installation.ca,
    ],
    query,
  );
  expect(await otherHome.succeed(["profiles"])).toBe("work");
  expect(await readFile(join(otherHome.path, ".capability", "credentials"), "utf8")).toContain(deleteSelf);
  await otherHome.succeed(["membrane", "create", "--id", "last", "--profile", "work"]);
  const args = ["--id", "last", "--profile", "work"];
  const capability = await otherHome.succeed([
    "membrane",
    "export",
    ...args,
    "--uri",
    target.url,
    "--output",
    "uri",
  ]);
  expect(await otherHome.succeed(["request", capability, "--profile", "work"])).toBe("from the target");

  expect(await otherHome.succeed(["membrane", "delete-self", "--profile", "work"])).toContain("Accepted");
  expect((await otherHome.capi(["request", capability, "--profile", "work"])).stderr).toContain("401");
  const refused = await otherHome.capi(["membrane", "create", "--id", "more", "--profile", "work"]);
  expect(refused.stderr).toContain("401 Unauthorized");
  expect(refused.stderr).toContain("profile work");
});

function readVariables(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Array.from(text.matchAll(/^(\w+)='(.*)'$/gm), ([, name, value]) => [name!, value!]),
  );
}

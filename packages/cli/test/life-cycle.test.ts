import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestTarget } from "../../service/src/testkit/target.ts";
import { startTarget } from "../../service/src/testkit/target.ts";
import type { Home, Place } from "./place.ts";
import { openPlace } from "./place.ts";

let place: Place;
let target: TestTarget;
beforeAll(async () => {
  [place, target] = await Promise.all([
    openPlace(),
    startTarget((_, response) => response.end("from the target")),
  ]);
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

test("with the profile that the service wrote, a membrane lives and dies by its name", async () => {
  const made = JSON.parse(await place.succeed(["membrane", "create", "--id", "by profile"]));
  expect(made).toEqual({
    id: "by profile",
    capabilities: { export: expect.any(String), revoke: expect.any(String) },
  });
  const { capability } = JSON.parse(
    await place.succeed(["membrane", "export", "--id", "by profile", "--uri", target.url]),
  );
  expect(await place.succeed(["request", capability])).toBe("from the target");

  await place.succeed(["membrane", "create", "--id", "for bob"]);
  const passed = ["membrane", "export", "--id", "for bob", "--capability-to-export", capability];
  const reexport = await place.succeed([...passed, "--output", "uri"]);
  expect(reexport).toMatch(/^cpblty:/);
  expect(await place.succeed(["request", reexport])).toBe("from the target");

  expect(JSON.parse(await place.succeed(["membrane", "revoke", "--id", "for bob"]))).toEqual({
    statusCode: 202,
    message: "Accepted",
  });
  expect((await place.capi(["request", reexport])).stderr).toContain("401 Unauthorized");
  expect(await place.succeed(["request", capability])).toBe("from the target");

  await place.succeed(["membrane", "revoke", "--id", "by profile"]);
  expect((await place.capi(["request", capability])).code).toBe(1);
});

test("with options alone, and no profile, everything works the same", async () => {
  const somebody = await place.stranger();
  const trust = ["--cacert", place.ca];
  const variables = await place.succeed([
    "membrane",
    "create",
    "--id",
    "by options",
    "--capability",
    place.capabilities.create,
    "--output",
    "env",
  ]);
  const { EXPORT_URI = "", REVOKE_URI = "", EXPORT_TOKEN = "" } = readVariables(variables);
  expect(EXPORT_URI.endsWith(`#${EXPORT_TOKEN}`)).toBe(true);

  const exporting = await somebody.file("export.txt", `${EXPORT_URI}\n`);
  const words = ["membrane", "export", "--capability", `@${exporting}`, "--uri", target.url, ...trust];
  const capability = await somebody.file("capability", await somebody.succeed([...words, "--output", "uri"]));
  expect(await somebody.succeed(["request", `@${capability}`, ...trust])).toBe("from the target");
  expect(
    await somebody.succeed(["request", "--capability", "@-", ...trust], await readFile(capability)),
  ).toBe("from the target");

  const revoke = ["membrane", "revoke", "--capability", REVOKE_URI, ...trust];
  const accepted = await somebody.succeed(revoke);
  expect(await somebody.succeed(revoke)).toBe(accepted);
  expect((await somebody.capi(["request", `@${capability}`, ...trust])).stderr).toContain("401");
});

test("a file of trusted authorities is as good as one CA", async () => {
  const somebody = await place.stranger();
  const pem = await readFile(place.ca, "utf8");
  const file = await somebody.file("trust.json", JSON.stringify({ [place.authority]: pem }));
  const words = ["membrane", "query", "--capability", place.capabilities.query];
  expect((await somebody.capi(words)).code).toBe(1);
  expect(JSON.parse(await somebody.succeed([...words, "--trustedCA-file-path", file]))).toHaveProperty(
    "completed",
  );
});

test("query walks through all membranes in the order of their names", async () => {
  for (const id of ["list-1", "list-2", "list-3"]) await place.succeed(["membrane", "create", "--id", id]);
  const query = async (...words: readonly string[]) =>
    JSON.parse(await place.succeed(["membrane", "query", ...words]));
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
    (await place.succeed(["membrane", "query", "--id", "list-1", "--output", "uri"])).split("\n"),
  ).toHaveLength(2);
});

test("a profile that a person configured is as good as the first one, and delete-self ends its tenant", async () => {
  const somebody: Home = await place.stranger();
  const { create, query, deleteSelf } = place.capabilities;
  const file = await somebody.file("deleteSelf", deleteSelf);
  await somebody.succeed(
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
      place.ca,
    ],
    query,
  );
  expect(await somebody.succeed(["profiles"])).toBe("work");
  expect(await readFile(join(somebody.path, ".capability", "credentials"), "utf8")).toContain(deleteSelf);
  await somebody.succeed(["membrane", "create", "--id", "last", "--profile", "work"]);
  const words = ["--id", "last", "--profile", "work"];
  const capability = await somebody.succeed([
    "membrane",
    "export",
    ...words,
    "--uri",
    target.url,
    "--output",
    "uri",
  ]);
  expect(await somebody.succeed(["request", capability, "--profile", "work"])).toBe("from the target");

  expect(await somebody.succeed(["membrane", "delete-self", "--profile", "work"])).toContain("Accepted");
  expect((await somebody.capi(["request", capability, "--profile", "work"])).stderr).toContain("401");
  const refused = await somebody.capi(["membrane", "create", "--id", "more", "--profile", "work"]);
  expect(refused.stderr).toContain("401 Unauthorized");
  expect(refused.stderr).toContain("profile work");
});

function readVariables(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Array.from(text.matchAll(/^(\w+)='(.*)'$/gm), ([, name, value]) => [name!, value!]),
  );
}

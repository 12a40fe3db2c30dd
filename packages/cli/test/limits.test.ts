import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestTarget } from "../../testkit/src/target.ts";
import { startTarget } from "../../testkit/src/target.ts";
import type { Installation } from "./support/installation.ts";
import { startInstallation } from "./support/installation.ts";

let installation: Installation;
let target: TestTarget;
beforeAll(async () => {
  [installation, target] = await Promise.all([startInstallation(), startTarget()]);
  await installation.succeed(["membrane", "create", "--id", "m"]);
});
afterAll(async () => {
  await installation[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

/** Exports the target, and returns what is printed. */
async function exported(...options: readonly string[]): Promise<any> {
  const args = ["membrane", "export", "--id", "m", "--uri", target.url, ...options];
  return JSON.parse(await installation.succeed(args));
}

test("an export with a duration and a label is printed with its end and the label", async () => {
  const before = Date.now();
  const { expiresAt, label } = await exported("--expires-in", "7d", "--label", "for Kim");
  expect(label).toBe("for Kim");
  expect(Date.parse(expiresAt)).toBeGreaterThanOrEqual(before + 7 * 24 * 3_600_000);
});

test("a capability with --max-uses 1 works once", async () => {
  const { capability } = await exported("--max-uses", "1");
  expect(await installation.succeed(["request", capability])).toBe("ok");
  expect((await installation.capi(["request", capability])).stderr).toContain("401 Unauthorized");
});

test("--methods and the limits of a file both hold", async () => {
  const file = await installation.file(
    "limits.json",
    '{"query": {"page": ["1", "2"]}, "methods": ["DELETE"]}',
  );
  const { capability } = await exported("--allow-query", "--methods", "get", "--from", file);
  expect(await installation.succeed(["request", capability, "--query", "page=2"])).toBe("ok");
  const wrongMethod = await installation.capi(["request", capability, "-X", "DELETE", "--query", "page=2"]);
  expect(wrongMethod.stderr).toContain("405");
  expect((await installation.capi(["request", capability, "--query", "page=3"])).stderr).toContain("403");
});

test.each([
  [["--path", "a"], "--path (limits.paths[0]): expected a path"],
  [
    ["--expires-in", "1ms", "--expires-at", "2030-01-01T00:00:00Z"],
    "--expires-in (limits.ttlMs): expected no such field",
  ],
  [["--methods", "TRACE"], "--methods (limits.methods[0]): expected an HTTP method"],
  [["--from", "/no/such/file"], "--from: "],
])("a wrong limit %j is refused, and the error names its option", async (options, message) => {
  const args = ["membrane", "export", "--id", "m", "--uri", target.url, ...options];
  const { code, stderr } = await installation.capi(args);
  expect(code).toBe(1);
  expect(stderr).toContain(message);
});

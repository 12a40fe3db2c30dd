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
  const wrongPage = await installation.capi(["request", capability, "--query", "page=3"]);
  expect(wrongPage.stderr).toContain("403");
  expect(wrongPage.stdout).toContain(
    "query: this capability requires the key page once, with a value that its limits list.",
  );
});

test("an export with limits that no request satisfies succeeds, with a warning for each on standard error", async () => {
  const file = await installation.file("useless.json", '{"requests": [{"query": {"page": ["1"]}}]}');
  const limits = ["--path", "/reports/**", "--from", file, "--expires-at", "2020-01-01T00:00:00Z"];
  const args = ["membrane", "export", "--id", "m", "--uri", target.url, ...limits];
  const { code, stdout, stderr } = await installation.capi(args);
  expect([code, JSON.parse(stdout)]).toEqual([
    0,
    expect.objectContaining({ expiresAt: "2020-01-01T00:00:00.000Z" }),
  ]);
  expect(stderr.split("\n")).toEqual([
    "WARNING --expires-at (limits.expiresAt): this time has passed, so the capability never works",
    "WARNING --path (limits.paths[0]): admits no request: without --allow-path there is only the path /",
    `WARNING --from ${file}: requests[0].query.page: admits no request, since no such key passes without --allow-query`,
    "",
  ]);
});

test("a path pattern with --allow-path admits what it says, and has no warning", async () => {
  const args = [
    "membrane",
    "export",
    "--id",
    "m",
    "--uri",
    `${target.url}v1`,
    "--allow-path",
    "--output",
    "uri",
  ];
  const { stdout, stderr } = await installation.capi([...args, "--path", "/reports/*"]);
  expect(stderr).toBe("");
  const capability = stdout.trim();
  expect(await installation.succeed(["request", capability, "--path", "/reports/1"])).toBe("ok");
  expect(target.requests.at(-1)?.url).toBe("/v1/reports/1");
  const refused = await installation.capi(["request", capability, "--path", "/other"]);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("refused the request")]);
  expect(refused.stdout).toContain("path_not_allowed");
});

test("an error in the file of --from names the file and the field", async () => {
  const file = await installation.file("wrong.json", '{"methods": ["get"]}');
  const args = ["membrane", "export", "--id", "m", "--uri", target.url, "--from", file];
  const { code, stderr } = await installation.capi(args);
  expect(code).toBe(1);
  expect(stderr).toContain(`FAILED\n--from ${file}: methods[0]: expected an HTTP method in upper case`);
});

test.each([
  ["a comma too many", '{"methods": ["GET"],}', "expected a JSON object of limits; it is not a JSON object"],
  ["a list", '["GET"]', "expected a JSON object of limits; it is not a JSON object"],
  ["a name twice", '{"methods": ["GET"], "methods": ["PUT"]}', "methods: expected once in an object"],
  ["an unknown limit", '{"limits": {}}', "limits: expected one of the fields expiresAt, "],
  ["more than 1 MiB", `"${"a".repeat(1_100_000)}"`, "expected a JSON object of limits; it is over 1 MiB"],
])("a file of --from with %s is refused, and the error names the file", async (_what, text, message) => {
  const file = await installation.file("malformed.json", text);
  const args = ["membrane", "export", "--id", "m", "--uri", target.url, "--from", file];
  const { code, stderr } = await installation.capi(args);
  expect(code).toBe(1);
  expect(stderr).toContain(`FAILED\n--from ${file}: ${message}`);
});

test.each([
  [["--path", "a"], "--path (limits.paths[0]): expected a path that begins with a slash (form)"],
  [
    ["--expires-in", "1ms", "--expires-at", "2030-01-01T00:00:00Z"],
    "--expires-in: cannot be combined with --expires-at",
  ],
  [["--methods", "TRACE"], "--methods: expected HTTP methods, such as GET,HEAD,POST"],
  [["--from", "/no/such/file"], "--from: "],
  [
    ["--expires-at", "2030-01-31T12:00:00"],
    "--expires-at (limits.expiresAt): expected a date and time with an offset",
  ],
])("a wrong limit %j is refused, and the error names its option", async (options, message) => {
  const args = ["membrane", "export", "--id", "m", "--uri", target.url, ...options];
  const { code, stderr } = await installation.capi(args);
  expect(code).toBe(1);
  expect(stderr).toContain(message);
});

import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { readFile, readdir } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startStreamingTarget } from "../../testkit/src/target.ts";
import { makeCapability } from "./support/capabilities.ts";
import type { Installation } from "./support/installation.ts";
import { startInstallation } from "./support/installation.ts";
import { freePort } from "../../testkit/src/free-port.ts";
import { CAPI, environment } from "./support/program.ts";

let installation: Installation;
beforeAll(async () => {
  installation = await startInstallation();
});
afterAll(() => installation[Symbol.asyncDispose]());

test("a secret that is given as @FILE or @- never appears in the list of processes", async () => {
  await installation.succeed(["membrane", "create", "--id", "m"]);
  const events = new EventEmitter<{ request: [ServerResponse] }>();
  await using target = await startStreamingTarget((_, response) => void events.emit("request", response));
  const request = once(events, "request");
  const uri = await installation.succeed([
    "membrane",
    "export",
    "--id",
    "m",
    "--uri",
    target.url,
    "--output",
    "uri",
  ]);
  const file = await installation.file("capability", uri);
  const header = await installation.file("header", "X-Api-Key: swordfish\n");
  const args = ["request", `@${file}`, "-H", `@${header}`, "-d", "@-"];
  const child = spawn(process.execPath, [CAPI, ...args], {
    env: environment(installation.path),
    cwd: installation.path,
  });
  child.stdin.end("swordfish");
  const [response] = (await request) as [ServerResponse];
  const seen = (
    await Promise.all(
      ["cmdline", "environ", "comm"].map((name) => readFile(`/proc/${child.pid}/${name}`, "latin1")),
    )
  ).join();
  expect(seen).toContain("capi");
  expect(seen).not.toContain("swordfish");
  expect(seen).not.toContain(uri.slice(-40));
  response.end();
  await once(child, "close");
  expect(child.exitCode).toBe(0);
});

const CANARY = "swordfish7";
const TOKEN_PART = 20;

/** Options that take a secret, with one in each, in a valid form where the command would otherwise stop earlier. */
const SECRETS: readonly (readonly string[])[] = [
  ["--header", `X-Api-Key: ${CANARY}`],
  ["--aws4-hmac-sha256-aws-access-key-id", CANARY],
  ["--aws4-hmac-sha256-secret-access-key", CANARY],
  ["--aws4-hmac-sha256-session-token", CANARY],
  ["--aws4-hmac-sha256-region", "r", "--aws4-hmac-sha256-service", "s"],
  ["--tls-key", `-----BEGIN PRIVATE KEY-----\n${CANARY}\n-----END PRIVATE KEY-----`],
  ["--tls-cert", `-----BEGIN CERTIFICATE-----\n${CANARY}\n-----END CERTIFICATE-----`],
];

test("no error shows a secret of any option, whatever the error", async () => {
  const held = makeCapability(installation.authority);
  const exporting = ["membrane", "export", "--uri", `https://a.test/${CANARY}`, ...SECRETS.flat()];
  const lines: readonly (readonly string[])[] = [
    [...exporting, "--capability", makeCapability(`localhost:${await freePort()}`)],
    [...exporting, "--capability", held],
    [...exporting, "--capability", held, "--cap1-hmac-sha512-key", CANARY],
    [...exporting, "--capability", held, "--method", `${CANARY} `],
    [...exporting, "--capability", held, "--capability-to-export", makeCapability(installation.authority)],
    ["membrane", "export", "--uri", CANARY, "--capability", held],
    ["request", held, "-d", CANARY],
    ["config", "configure", "--cacert", CANARY],
  ];
  for (const args of lines) {
    const { code, stdout, stderr } = await installation.capi(args);
    expect(code, args.join(" ")).toBe(1);
    expect(stdout + stderr, args.join(" ")).not.toContain(CANARY);
    expect(stdout + stderr).not.toContain(held.slice(-TOKEN_PART));
  }
});

test("commands leave no files except the profiles", async () => {
  const otherHome = await installation.createOtherHome();
  await otherHome.capi(
    ["membrane", "create", "--id", "m", "--capability", "@-"],
    installation.capabilities.create,
  );
  await otherHome.capi(["request", makeCapability(installation.authority)]);
  expect(await readdir(otherHome.path)).toEqual([]);
  expect((await readdir(join(installation.path, ".capability"))).toSorted()).toEqual([
    "config",
    "credentials",
  ]);
});

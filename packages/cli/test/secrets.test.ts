import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { readFile, readdir } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startStreamingTarget } from "../../service/src/testkit/target.ts";
import { makeCapability } from "./capabilities.ts";
import type { Place } from "./place.ts";
import { openPlace } from "./place.ts";
import { freePort } from "../../service/src/testkit/free-port.ts";
import { CAPI, environment } from "./program.ts";

let place: Place;
beforeAll(async () => {
  place = await openPlace();
});
afterAll(() => place[Symbol.asyncDispose]());

test("what @FILE and @- stand for never shows in the list of processes", async () => {
  await place.succeed(["membrane", "create", "--id", "m"]);
  const asked = new EventEmitter<{ request: [ServerResponse] }>();
  await using target = await startStreamingTarget((_, response) => void asked.emit("request", response));
  const request = once(asked, "request");
  const uri = await place.succeed([
    "membrane",
    "export",
    "--id",
    "m",
    "--uri",
    target.url,
    "--output",
    "uri",
  ]);
  const file = await place.file("capability", uri);
  const header = await place.file("header", "X-Api-Key: swordfish\n");
  const words = ["request", `@${file}`, "-H", `@${header}`, "-d", "@-"];
  const child = spawn(process.execPath, [CAPI, ...words], { env: environment(place.path), cwd: place.path });
  child.stdin.end("swordfish");
  const [answer] = (await request) as [ServerResponse];
  const seen = (
    await Promise.all(
      ["cmdline", "environ", "comm"].map((name) => readFile(`/proc/${child.pid}/${name}`, "latin1")),
    )
  ).join();
  expect(seen).toContain("capi");
  expect(seen).not.toContain("swordfish");
  expect(seen).not.toContain(uri.slice(-40));
  answer.end();
  await once(child, "close");
  expect(child.exitCode).toBe(0);
});

const CANARY = "swordfish7";
const TOKEN_PART = 20;

/** Options that take a secret, with one in each: right in form where that leads further. */
const SECRETS: readonly (readonly string[])[] = [
  ["--header", `X-Api-Key: ${CANARY}`],
  ["--aws4-hmac-sha256-aws-access-key-id", CANARY],
  ["--aws4-hmac-sha256-secret-access-key", CANARY],
  ["--aws4-hmac-sha256-session-token", CANARY],
  ["--aws4-hmac-sha256-region", "r", "--aws4-hmac-sha256-service", "s"],
  ["--tls-key", `-----BEGIN PRIVATE KEY-----\n${CANARY}\n-----END PRIVATE KEY-----`],
  ["--tls-cert", `-----BEGIN CERTIFICATE-----\n${CANARY}\n-----END CERTIFICATE-----`],
];

test("no failure shows a secret, whichever option it stands in and however it goes wrong", async () => {
  const held = makeCapability(place.authority);
  const exporting = ["membrane", "export", "--uri", `https://a.test/${CANARY}`, ...SECRETS.flat()];
  const lines: readonly (readonly string[])[] = [
    [...exporting, "--capability", makeCapability(`localhost:${await freePort()}`)],
    [...exporting, "--capability", held],
    [...exporting, "--capability", held, "--cap1-hmac-sha512-key", CANARY],
    [...exporting, "--capability", held, "--method", `${CANARY} `],
    [...exporting, "--capability", held, "--capability-to-export", makeCapability(place.authority)],
    ["membrane", "export", "--uri", CANARY, "--capability", held],
    ["request", held, "-d", CANARY],
    ["config", "configure", "--cacert", CANARY],
  ];
  for (const words of lines) {
    const { code, stdout, stderr } = await place.capi(words);
    expect(code, words.join(" ")).toBe(1);
    expect(stdout + stderr, words.join(" ")).not.toContain(CANARY);
    expect(stdout + stderr).not.toContain(held.slice(-TOKEN_PART));
  }
});

test("commands leave nothing behind but the profiles", async () => {
  const somebody = await place.stranger();
  await somebody.capi(["membrane", "create", "--id", "m", "--capability", "@-"], place.capabilities.create);
  await somebody.capi(["request", makeCapability(place.authority)]);
  expect(await readdir(somebody.path)).toEqual([]);
  expect((await readdir(join(place.path, ".capability"))).toSorted()).toEqual(["config", "credentials"]);
});

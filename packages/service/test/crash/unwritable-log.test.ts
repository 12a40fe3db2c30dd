import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { call, createMembrane, exportThrough, tokenOf } from "../../../testkit/src/client.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { freePort } from "../../../testkit/src/free-port.ts";
import { runMembrane } from "../../../testkit/src/process.ts";
import { UNLIMITED } from "../../../testkit/src/service.ts";
import { run } from "../../../testkit/src/run.ts";
import { startTarget } from "../../../testkit/src/target.ts";

const MEMBRANE = fileURLToPath(new URL("../../bin/membrane.js", import.meta.url));

type Output = "pipe" | number;

function args(port: number): string[] {
  return [
    "--no-tls",
    "--log-level",
    "debug",
    "--listen",
    `127.0.0.1:${port}`,
    "--allow-target",
    "127.0.0.0/8",
    "--max-auth-failures-per-minute",
    String(UNLIMITED),
  ];
}

/** Starts a service with these outputs. Its log need not be readable. */
async function startWith(outputs: { stdout: Output; stderr: Output }, flags: readonly string[] = []) {
  const directory = await temporaryDirectory();
  const data = ["--data", directory.path, "--authority", "membrane.test", "--no-profile"];
  const { stdout } = await runMembrane(["init", ...data, "--json"]);
  const port = await freePort();
  const child = spawn(process.execPath, [MEMBRANE, "serve", ...data, ...args(port), ...flags], {
    stdio: ["ignore", outputs.stdout, outputs.stderr],
  });
  const at = { url: `http://127.0.0.1:${port}` };
  await serving(at, child);
  return {
    at,
    child,
    create: tokenOf(JSON.parse(stdout).capabilities.create),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      await directory[Symbol.asyncDispose]();
    },
  };
}

async function serving(at: { readonly url: string }, child: ChildProcess): Promise<void> {
  for (let count = 0; count < 1_000 && child.exitCode === null; count += 1) {
    const response = await call(at, undefined, { path: "/healthz" }).catch(() => undefined);
    if (response?.status === 200) return;
    await new Promise((resolve) => void setTimeout(resolve, 50));
  }
  throw new Error("the service does not serve");
}

/** Sends many requests, which are logged, and checks that a revoke holds. */
async function useAndRevoke(
  at: { readonly url: string },
  create: string,
  target: string,
  rounds = 20,
): Promise<void> {
  const membrane = await createMembrane(at, create, "m");
  const token = await exportThrough(at, membrane.export, { uri: target });
  for (let round = 0; round < rounds; round += 1) {
    const all = await Promise.all(Array.from({ length: 100 }, () => call(at, undefined)));
    expect(all.every(({ status }) => status === 401)).toBe(true);
  }
  expect((await call(at, token)).status).toBe(200);
  expect((await call(at, membrane.revoke)).status).toBe(202);
  expect((await call(at, token)).status).toBe(401);
}

async function endInOrder(child: ChildProcess): Promise<number | null> {
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
  return child.exitCode;
}

test.each([[[]], [["--workers", "2"]]])(
  "a log and an output on a full disk neither end nor delay the service (%j)",
  async (flags) => {
    const full = openSync("/dev/full", constants.O_WRONLY);
    await using target = await startTarget();
    await using started = await startWith({ stdout: full, stderr: full }, flags);
    closeSync(full);
    await useAndRevoke(started.at, started.create, target.url);
    expect(await endInOrder(started.child)).toBe(0);
  },
);

test("a log to a closed pipe neither ends nor delays the service", async () => {
  await using target = await startTarget();
  await using started = await startWith({ stdout: "pipe", stderr: "pipe" });
  started.child.stderr?.destroy();
  started.child.stdout?.destroy();
  await useAndRevoke(started.at, started.create, target.url);
  expect(await endInOrder(started.child)).toBe(0);
});

test("a log to a socket that is not read neither ends nor delays the service", async () => {
  await using target = await startTarget();
  await using started = await startWith({ stdout: "pipe", stderr: "pipe" });
  await useAndRevoke(started.at, started.create, target.url);
  expect(await endInOrder(started.child)).toBe(0);
});

test.each([[[]], [["--workers", "2"]]])(
  "a log pipe that is not read delays nothing, and the number of lost lines is logged when it is read again (%j)",
  async (flags) => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "log");
    expect((await run("mkfifo", [path], { env: process.env })).code).toBe(0);
    const pipe = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    await using target = await startTarget();
    await using started = await startWith({ stdout: pipe, stderr: pipe }, flags);
    // More than the pipe and the processes buffer.
    await useAndRevoke(started.at, started.create, target.url, 150);

    const lines: any[] = [];
    let rest = "";
    for (let count = 0; count < 400 && !lines.some(({ lost }) => lost > 0); count += 1) {
      rest += readAll(pipe);
      const complete = rest.split("\n");
      rest = complete.pop() ?? "";
      lines.push(...complete.map((line) => JSON.parse(line)));
      await new Promise((resolve) => void setTimeout(resolve, 50));
    }
    expect(lines).toContainEqual(expect.objectContaining({ level: "warn", msg: "log lines lost" }));
    const ending = endInOrder(started.child);
    expect(await ending).toBe(0);
    closeSync(pipe);
  },
);

function readAll(pipe: number): string {
  const chunk = Buffer.alloc(64 * 1024);
  let text = "";
  try {
    for (;;) text += chunk.toString("utf8", 0, readSync(pipe, chunk));
  } catch {
    return text;
  }
}

test("a command whose output cannot be written fails with an error", async () => {
  await using directory = await temporaryDirectory();
  const args = ["--data", directory.path, "--authority", "a.test", "--no-profile"];
  await runMembrane(["init", ...args]);
  const full = openSync("/dev/full", constants.O_WRONLY);
  const child = spawn(process.execPath, [MEMBRANE, "tenant", "list", ...args], {
    stdio: ["ignore", full, "pipe"],
  });
  closeSync(full);
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await once(child, "close");
  expect(child.exitCode).toBe(1);
  expect(said).toBe("membrane: standard output cannot be written: ENOSPC\n");
});

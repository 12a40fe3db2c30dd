import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HOSTILE_BODIES, SMALL_HEAP, chunkOf, pour } from "../../sdk/test/hostile-bodies.ts";
import type { TlsServer } from "../../sdk/test/support/tls-server.ts";
import { startRawTlsServer } from "../../sdk/test/support/tls-server.ts";
import type { Home } from "./support/installation.ts";
import { createHome } from "./support/installation.ts";
import { CAPI, environment } from "./support/program.ts";

/* No response of a service or target may make capi run out of memory, or fill that of the machine. */

let home: Home;
beforeAll(async () => void (home = await createHome()));
afterAll(() => home[Symbol.asyncDispose]());

type Child = ChildProcessByStdio<null, Readable, Readable> & AsyncDisposable;

/** Starts `capi` in a small heap, with a capability of the service. It is killed at the end of the test. */
async function start(args: readonly string[], service: TlsServer): Promise<Child> {
  const ca = await home.file("ca.pem", service.ca);
  const given = await home.file("given.txt", service.capability);
  const all = [...args, "--capability", `@${given}`, "--cacert", ca];
  const child = spawn(process.execPath, [SMALL_HEAP, CAPI, ...all], {
    stdio: ["ignore", "pipe", "pipe"],
    env: environment(home.path),
    cwd: home.path,
  });
  const closed = once(child, "close");
  return Object.assign(child, {
    [Symbol.asyncDispose]: async () => {
      child.stdout.destroy();
      child.kill("SIGKILL");
      await closed;
    },
  });
}

test.each(HOSTILE_BODIES)("a service's response $what causes a clear error", async ({ bytes, after }) => {
  await using service = await startRawTlsServer(bytes, after);
  await using child = await start(["membrane", "query"], service);
  const said: Buffer[] = [];
  child.stderr.on("data", (piece: Buffer) => said.push(piece));
  child.stdout.resume();
  const [code, signal] = await once(child, "close");
  const text = Buffer.concat(said).toString();
  expect([code, signal], text.slice(0, 2_000)).toEqual([1, null]);
  const expected = bytes.startsWith("HTTP/1.1 500")
    ? "FAILED\n500 Oops"
    : `FAILED\n${service.authority} responded with 200, but not like a Membrane Service`;
  expect(text.slice(0, expected.length)).toBe(expected);
});

const MIB = 1024 * 1024;
/** The most bytes that a target sends while it is read. */
const POURED = 400 * MIB;
/** Far less than that, and several times the memory of capi itself. */
const MAX_RESIDENT_BYTES = 250 * MIB;

/** The most memory that a process has had so far, in bytes (proc_pid_status(5)). */
async function peakResidentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  // A process that has ended has no such line.
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024;
}

/** Resolves once a count no longer grows. On a slow machine this may be early, and the test then checks less. */
async function settled(count: () => number): Promise<void> {
  let before = -1;
  for (let still = 0, round = 0; still < 20 && round < 2_000; round += 1) {
    still = count() === before ? still + 1 : 0;
    before = count();
    await new Promise((resolve) => void setTimeout(resolve, 25));
  }
}

test.each([
  ["in large pieces", chunkOf("x".repeat(0x8000))],
  ["in pieces of one byte", chunkOf("x").repeat(4_096)],
])("an endless response %s waits for its reader, and takes no memory meanwhile", async (_how, piece) => {
  let poured = 0;
  const bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  await using service = await startRawTlsServer(
    bytes,
    pour(piece, POURED, "", (sofar) => (poured = sofar)),
  );
  await using child = await start(["request"], service);
  await once(child.stdout, "readable");
  child.stdout.read(1);
  await settled(() => poured);
  expect(poured).toBeLessThan(POURED);
  expect(await peakResidentBytes(child.pid!)).toBeLessThan(MAX_RESIDENT_BYTES);
  // The reader closes the pipe.
  const said: Buffer[] = [];
  child.stderr.on("data", (part: Buffer) => said.push(part));
  const ended = once(child, "close");
  child.stdout.destroy();
  expect(await ended).toEqual([0, null]);
  expect(Buffer.concat(said).toString()).toBe("");
});

test("a long response is streamed to a file in a small heap", async () => {
  const length = 192 * MIB;
  const bytes = `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`;
  await using service = await startRawTlsServer(bytes, pour("x".repeat(MIB), length));
  await using child = await start(["request", "-o", "/dev/null"], service);
  const closed = once(child, "close");
  child.stdout.resume();
  child.stderr.resume();
  let most = 0;
  while (child.exitCode === null && child.signalCode === null) {
    most = Math.max(most, await peakResidentBytes(child.pid!).catch(() => 0));
    await new Promise((resolve) => void setTimeout(resolve, 20));
  }
  expect(await closed).toEqual([0, null]);
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThan(MAX_RESIDENT_BYTES);
});

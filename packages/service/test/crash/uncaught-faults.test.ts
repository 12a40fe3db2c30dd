import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { createMembrane } from "../../../testkit/src/client.ts";
import { initDataDirectory } from "../../../testkit/src/data-directory.ts";
import { until } from "../../../testkit/src/until.ts";
import type { LogLine, ServiceProcess } from "../../../testkit/src/process.ts";
import { spawnService } from "../../../testkit/src/process.ts";
import { preload } from "../support/preload.ts";
import { CONFIG, createVitestProject } from "../support/vitest-run.ts";

/** Makes a process reject an unhandled promise, or throw an uncaught error, when it gets a signal. */
const FAULTY = [
  "process.on('SIGUSR2',()=>void(Promise.reject(new(Error)('rejected'))))",
  "process.on('SIGWINCH',()=>{throw(new(Error)('thrown'))})",
].join(";");
const ENV = preload(FAULTY);

async function logs(service: ServiceProcess, msg: string): Promise<LogLine> {
  for (let count = 0; count < 1_000; count += 1) {
    const event = service.logged().find((each) => each.msg === msg);
    if (event !== undefined) return event;
    await new Promise((resolve) => void setTimeout(resolve, 50));
  }
  throw new Error(`nothing logged "${msg}"`);
}

test.each(["SIGUSR2", "SIGWINCH"] as const)(
  "an uncaught error in a service that a test started fails the test (%s)",
  async (signal) => {
    await using directory = await temporaryDirectory();
    const service = await spawnService(directory.path, { env: ENV });
    process.kill(service.pid, signal);
    await logs(service, "crashed");
    await expect(service.end("SIGKILL")).rejects.toThrow(/uncaught error/);
    await expect(service[Symbol.asyncDispose]()).rejects.toThrow(/uncaught error/);
  },
);

/** @returns what resolves when all connections of a service that writes to its store have ended. */
async function startWriting(service: ServiceProcess, create: string): Promise<{ ended: Promise<unknown> }> {
  let made = 0;
  const writers = Array.from({ length: 8 }, async () => {
    for (;;) {
      await createMembrane(service, create, randomUUID());
      made += 1;
    }
  });
  const ended = Promise.allSettled(writers);
  await until("it writes", () => made > 50);
  return { ended };
}

test("a service with an uncaught error ends, even while it writes to its store", async () => {
  await using data = await initDataDirectory();
  for (let round = 0; round < 5; round += 1) {
    const service = await spawnService(data.path, { env: ENV });
    const { ended } = await startWriting(service, data.tokens.create);
    process.kill(service.pid, "SIGWINCH");
    await ended;
    await expect(service.ended()).rejects.toThrow(/uncaught error/);
  }
});

test("workers whose first process was killed end, even while they write to their store", async () => {
  await using data = await initDataDirectory();
  for (let round = 0; round < 5; round += 1) {
    const service = await spawnService(data.path, { flags: ["--workers", "2"] });
    const { ended } = await startWriting(service, data.tokens.create);
    await service.end("SIGKILL");
    await ended;
  }
});

test("a service with an uncaught error ends even if the kernel ignores the signal, as for the first process of a container", async () => {
  await using directory = await temporaryDirectory();
  const env = preload(`${FAULTY};process.kill=()=>true`);
  const service = await spawnService(directory.path, { env });
  process.kill(service.pid, "SIGWINCH");
  await expect(service.ended()).rejects.toThrow("the service was ended by SIGABRT");
});

test("an uncaught error in a worker fails the test, though another worker replaces it", async () => {
  await using directory = await temporaryDirectory();
  const service = await spawnService(directory.path, { env: ENV, flags: ["--workers", "2"] });
  const { worker } = await logs(service, "worker started");
  process.kill(worker!, "SIGUSR2");
  await logs(service, "worker ended");
  await logs(service, "crashed");
  await expect(service.end("SIGTERM")).rejects.toThrow(/uncaught error/);
});

test("an unhandled rejection fails a run of tests that all pass", async () => {
  await using project = await createVitestProject();
  const runWith = async (body: string) => {
    const text = `import { test } from "vitest";\ntest("passes", () => { ${body} });\n`;
    await project.write("packages/any/src/a.test.ts", text);
    return project.run(CONFIG);
  };
  expect(await runWith("")).toMatchObject({ code: 0, output: expect.stringContaining("1 passed") });
  const { code, output } = await runWith('void Promise.reject(new Error("no handler"));');
  expect(code).toBe(1);
  expect(output).toMatch(/1 passed/);
  expect(output).toMatch(/Unhandled Rejection/);
});

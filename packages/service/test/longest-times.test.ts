import { expect, test } from "vitest";
import { DEFAULT_LIMITS, LONGEST_TIMER_MS } from "../src/limits.ts";
import { kebab } from "../src/config.ts";
import { call, createMembrane, exportThrough, tokenOf } from "../src/testkit/client.ts";
import { temporaryDirectory } from "../src/testkit/directory.ts";
import { runMembrane, spawnService } from "../src/testkit/process.ts";
import { startTarget } from "../src/testkit/target.ts";

const TIMES = Object.keys(DEFAULT_LIMITS).filter((name) => name.endsWith("Ms"));

test.each([[1], [2]])(
  "with every time at the longest that a timer holds, %i worker(s) serve, stop, and overflow no timer",
  async (workers) => {
    expect(TIMES.length).toBeGreaterThan(10);
    await using directory = await temporaryDirectory();
    await using target = await startTarget();
    const { stdout } = await runMembrane(["init", "--data", directory.path, "--json"]);
    const create = tokenOf(JSON.parse(stdout).capabilities.create);
    const flags = TIMES.map((name) => `--${kebab(name)}=${LONGEST_TIMER_MS}`);
    await using service = await spawnService(directory.path, { flags: [...flags, `--workers=${workers}`] });
    const said: Buffer[] = [];
    service.stderr.on("data", (bytes: Buffer) => said.push(bytes));
    const membrane = await createMembrane(service, create, "m");
    const door = await exportThrough(service, membrane.export, { uri: target.url });
    for (let round = 0; round < 4; round += 1) {
      expect(await call(service, door, { body: "x".repeat(round * 100_000) })).toMatchObject({ status: 200 });
    }
    expect(await service.end("SIGTERM")).toEqual({ code: 0, signal: null });
    // Node.js warns on standard error of a timer that overflows, and lets it end at once.
    const lines = Buffer.concat(said).toString().split("\n").filter(Boolean);
    for (const line of lines) expect(line).toMatch(/^\{.*\}$/);
  },
);

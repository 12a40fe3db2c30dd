import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { toKebabCase } from "../../src/flag-names.ts";
import { MAX_TIMER_MS } from "../../src/service-limit.ts";
import { LIMITS } from "../../src/service-limits.ts";
import { call, createMembrane, exportThrough, tokenOf } from "../../../testkit/src/client.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { runMembrane, spawnService } from "../../../testkit/src/process.ts";
import { deferred } from "../../../testkit/src/deferred.ts";
import { startStreamingTarget, startTarget } from "../../../testkit/src/target.ts";

/** Those of a store in LMDB: times of leases have other bounds. */
const TIMES = Object.entries(LIMITS)
  .filter(([name, { engine }]) => name.endsWith("Ms") && engine !== "postgres")
  .map(([name]) => name);

test.each([[1], [2]])(
  "with every time limit at a timer's maximum, %i worker(s) serve, and finish requests in flight when they stop",
  async (workers) => {
    expect(TIMES.length).toBeGreaterThan(10);
    await using directory = await temporaryDirectory();
    await using target = await startTarget();
    const { stdout } = await runMembrane(["init", "--data", directory.path, "--json"]);
    const create = tokenOf(JSON.parse(stdout).capabilities.create);
    const flags = TIMES.map((name) => `--${toKebabCase(name)}=${MAX_TIMER_MS}`);
    await using service = await spawnService(directory.path, { flags: [...flags, `--workers=${workers}`] });
    const said: Buffer[] = [];
    service.stderr.on("data", (bytes: Buffer) => said.push(bytes));
    const membrane = await createMembrane(service, create, "m");
    const token = await exportThrough(service, membrane.export, { uri: target.url });
    for (let round = 0; round < 4; round += 1) {
      expect(await call(service, token, { body: "x".repeat(round * 100_000) })).toMatchObject({
        status: 200,
      });
    }
    // Requests in flight at the stop have a grace period; one that overflowed would end at once.
    const asked = deferred<ServerResponse>();
    await using slow = await startStreamingTarget((_request, response) => asked.resolve(response));
    const responding = call(service, await exportThrough(service, membrane.export, { uri: slow.url }));
    const response = await asked.promise;
    const ended = service.end("SIGTERM");
    await expect.poll(() => service.logged().some(({ msg }) => msg === "stopping")).toBe(true);
    await new Promise((resolve) => void setTimeout(resolve, 500));
    response.end("late");
    expect(await responding).toMatchObject({ status: 200, text: "late" });
    expect(await ended).toEqual({ code: 0, signal: null });
    // Only events: Node.js would print a warning about a timer that overflows.
    const lines = Buffer.concat(said).toString().split("\n").filter(Boolean);
    for (const line of lines) expect(line).toMatch(/^\{.*\}$/);
  },
);

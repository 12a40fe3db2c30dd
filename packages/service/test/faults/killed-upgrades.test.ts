import { join } from "node:path";
import { expect, test } from "vitest";
import { call, expectStatus } from "../../../testkit/src/client.ts";
import { openRawLmdb } from "../../../testkit/src/raw-lmdb.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { DiskRule } from "../support/disk/faulty-disk.ts";
import { expectAll, FIXTURES, layoutOf, noAddress, restoreFixture } from "../support/fixture-data.ts";
import { REOPENINGS, startMachineOn } from "../support/kills/machine.ts";
import { rowViolations } from "../support/kills/row-violations.ts";

/* The first record that this program creates in a store of layout 1 makes it one of layout 2. The process is killed meanwhile. */

const BEFORE = { kind: "kill before", heldMs: 40 } as const;
const AFTER = { kind: "kill after" } as const;

/** By what is killed: the calls on the store's file, or that on the client's connection. */
const POINTS: Readonly<Record<string, Pick<DiskRule, "calls" | "action">>> = {
  "before its pages are written": { calls: ["write"], action: BEFORE },
  "before its head is written": { calls: ["head"], action: BEFORE },
  "after its head is written": { calls: ["head"], action: AFTER },
  "before its flush": { calls: ["flush"], action: BEFORE },
  "after its flush": { calls: ["flush"], action: AFTER },
  "before the response": { calls: ["send"], action: BEFORE },
  "after the response": { calls: ["send"], action: AFTER },
};

/** Each point with one way to open the store after it. */
const CASES = Object.keys(POINTS).map(
  (point, index) => [point, REOPENINGS[(index + 2) % REOPENINGS.length]!] as const,
);

test.each(CASES)(
  "a commit that upgrades a store and is killed %s, after a %s, has both the record and the layout or neither, and all older records work",
  async (point, reopening) => {
    await using machine = await startMachineOn(await restoreFixture(join(FIXTURES, "store-records-1")));
    const { node, disk, data, dataFile } = machine;
    const { create, query } = data.tokens;
    // What the fixture has to sweep is swept before.
    await expect.poll(() => node.service.logged().map(({ msg }) => msg)).toContain("swept");
    const { calls, action } = POINTS[point]!;
    const rule = disk.add({ calls, action, of: calls[0] === "send" ? "HTTP/1.1 201 " : dataFile });
    const body = { id: "new" };
    const response = await call(node.service, create, { body }).catch(() => undefined);
    await node.service.ended();
    rule[Symbol.dispose]();
    await machine.restart(reopening, () => true);

    const found = expectStatus(await call(node.service, query, { path: "/?id=new" }), 200).json.membranes;
    if (response?.status === 201) expect(found).toHaveLength(1);
    expect(await layoutOf(data.path)).toBe(found.length === 1 ? 2 : 1);
    expectStatus(await call(node.service, create, { body }), found.length === 1 ? 409 : 201);
    expect(await layoutOf(data.path)).toBe(2);
    {
      await using raw = await openRawLmdb(data.path);
      expect(rowViolations(await raw.rows())).toEqual([]);
    }
    expect(await node.service.end("SIGTERM")).toEqual({ code: 0, signal: null });
    await using service = await startTestService({ directory: data.path, lookup: noAddress, engine: "lmdb" });
    await expectAll(service, data.tokens);
  },
);

import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startRelay } from "../../../testkit/src/relay.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { createTestDatabase, databaseAt, LEASE_FLAGS } from "../../../testkit/src/test-database.ts";

/** Those of another node, whose leases are longer. */
const LONGER = LEASE_FLAGS.map((flag) =>
  flag.replace("lease-ms=1800", "lease-ms=2000").replace("margin-ms=90", "margin-ms=100"),
);

test.each([1, 2])(
  "a node with %d processes that was cut off while others agreed on other leases says so, and ends with 1",
  async (workers) => {
    await using directory = await temporaryDirectory();
    const near = await createTestDatabase();
    await using relay = await startRelay(near.config.port);
    const far = databaseAt(near.config, relay.port);
    const [cut, other] = [join(directory.path, "cut"), join(directory.path, "other")];
    await using service = await far.startNode(cut, [...LEASE_FLAGS, "--workers", String(workers)]);
    await mkdir(other, { mode: 0o700 });
    await copyFile(join(cut, "service.key"), join(other, "service.key"));
    relay.silence();
    await using _other = await near.startNode(other, LONGER);
    relay.speak();
    expect(await service.ended()).toEqual({ code: 1, signal: null });
    const of = (event: string) => service.logged().filter(({ msg }) => msg === event);
    expect(of("lease refused")[0]).toMatchObject({
      level: "error",
      problem: expect.stringContaining("leases of 2000 ms, and this one has 1800 ms"),
    });
    expect(of("worker started")).toHaveLength(workers === 1 ? 0 : workers);
    expect([...of("fault"), ...of("crashed")]).toEqual([]);
  },
);

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";
import { parseToken } from "capability-protocol";
import { call } from "../../../testkit/src/client.ts";
import { PROBES } from "../../../testkit/src/liveness-probes.ts";
import { dropTestKey, rotateTestKey, testKeyUsage } from "../../../testkit/src/rotation.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { until } from "../../../testkit/src/until.ts";
import type { Lengths } from "../support/lifecycle-histories.ts";
import { playHistories } from "../support/lifecycle-histories.ts";
import type { ModelCapability } from "../support/lifecycle-model.ts";
import type { HistoryPlayer, Step } from "../support/lifecycle-steps.ts";

/** How many times as many histories as usual. */
const ROUNDS = Number(process.env["LIFECYCLE_ROUNDS"] ?? 1);

const LENGTHS: readonly Lengths[] = [
  { numRuns: 15 * ROUNDS, minLength: 1, maxLength: 25, endOnFailure: false },
  { numRuns: 2 * ROUNDS, minLength: 40, maxLength: 60, endOnFailure: true },
];

/** A drop before a store needs as many keys as it may. */
const MAX_OLDER = 2;

test.each(LENGTHS)(
  "in histories of up to $maxLength steps with rotations and drops what was not forgotten works exactly as long as all its lineage is alive",
  async (lengths) => {
    const clock = { now: Date.now() };
    await using directory = await temporaryDirectory();
    const data = directory.path;
    const start = () =>
      startTestService({
        directory: data,
        now: () => new Date(clock.now),
        limits: { expiredRetentionMs: 1 },
      });
    const first = await start();
    let service = first;
    /** The same service, whichever process of it there is. */
    const node: TestService = {
      ...first,
      get url() {
        return service.url;
      },
    };
    const stopped = async (act: () => Promise<unknown>): Promise<void> => {
      await service.close();
      await act();
      service = await start();
    };

    /** Presents some of the capabilities until they need the newest key. */
    const present = async (
      { world }: HistoryPlayer,
      { what }: Step,
    ): Promise<ReadonlySet<ModelCapability>> => {
      const presented = world.capabilities.filter(
        (held, index) => world.works(held) && (held.kind === "provision" || (index + what) % 3 !== 0),
      );
      for (const { kind, token } of presented) {
        const { lookupId } = service.data.keys.deriveTokenKeys(parseToken(token)!);
        await until("a capability is rekeyed", async () => {
          await call(service, token, PROBES[kind].options);
          return (await service.data.store.find(lookupId)) !== undefined;
        });
      }
      return new Set(presented);
    };
    const dropOlder = async (): Promise<void> => {
      const [...older] = Object.entries(await testKeyUsage(data));
      older.pop();
      for (const [key, count] of older) {
        const dropped = await dropTestKey(data, Number(key), count);
        if (!dropped.ok) throw new Error(`the key ${key} was not dropped: ${dropped.error.reason}`);
      }
      const file = join(data, "service.key");
      const lines = (await readFile(file, "utf8")).trim().split("\n");
      await writeFile(file, `${lines.at(-1)}\n`);
    };

    try {
      await playHistories([node], clock, lengths, async (step, player) => {
        if (step.node % 4 !== 0) return;
        await stopped(() => rotateTestKey(data));
        const presented = await present(player, step);
        if (step.limit !== 1 && service.data.keys.older.length < MAX_OLDER) return;
        await stopped(dropOlder);
        for (const held of player.world.capabilities)
          if (!presented.has(held)) player.world.forgotten.add(held);
      });
    } finally {
      await service.close();
    }
  },
);

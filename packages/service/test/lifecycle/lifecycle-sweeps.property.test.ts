import { expect, test } from "vitest";
import { startTestService } from "../../../testkit/src/service.ts";
import { LENGTHS, playHistories } from "../support/lifecycle-histories.ts";

/** Batch size of the sweep, so small that it stops and continues within almost every lineage. */
const BATCH = 2;

test.each(LENGTHS)(
  "in histories of up to $maxLength steps a sweep after every step changes nothing",
  async (lengths) => {
    const clock = { now: Date.now() };
    await using service = await startTestService({
      now: () => new Date(clock.now),
      limits: { expiredRetentionMs: 1 },
    });
    await playHistories([service], clock, lengths, async () => {
      let left = true;
      for (let batch = 0; batch < 10_000 && left; batch += 1)
        left = (await service.data.store.sweep(BATCH)).more;
      expect(left).toBe(false);
    });
  },
);

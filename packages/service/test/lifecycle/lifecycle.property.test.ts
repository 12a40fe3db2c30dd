import { test } from "vitest";
import { startTestService } from "../../../testkit/src/service.ts";
import { LENGTHS, playHistories } from "../support/lifecycle-histories.ts";

test.each(LENGTHS)(
  "in histories of up to $maxLength steps a capability works exactly as long as all its lineage is alive",
  async (lengths) => {
    const clock = { now: Date.now() };
    await using service = await startTestService({
      now: () => new Date(clock.now),
      limits: { expiredRetentionMs: 1 },
    });
    await playHistories([service], clock, lengths);
  },
);

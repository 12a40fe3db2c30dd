import { BaseSequencer } from "vitest/node";
import type { TestSpecification } from "vitest/node";

/** The test files that take longest. */
export const LONGEST: readonly string[] = [
  "service-limits/linear-work",
  "service-limits/pipelined-memory",
  "lifecycle/lifecycle.property",
  "lifecycle/lifecycle-sweeps.property",
  "service-limits/tiny-chunks",
  "crash/durability",
].map((name) => `packages/service/test/${name}.test.ts`);

/**
 * Runs the files that take longest first, so that none of them runs alone at the end. vitest takes the largest first where it has
 * not measured them before, as in CI.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- it is not the method of an array.
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      LONGEST.some((path) => moduleId.endsWith(`/${path}`));
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

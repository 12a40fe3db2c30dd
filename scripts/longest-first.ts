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
 * Runs the files that take longest first, so that none of them runs alone at the end; vitest takes the largest first where it has
 * not measured them before, as in CI. Files that share processes are last, and those of a project follow each other.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- it is not the method of an array.
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rank(a).localeCompare(rank(b)));
  }
}

function rank({ moduleId, project }: TestSpecification): string {
  if (LONGEST.some((path) => moduleId.endsWith(`/${path}`))) return "0";
  return project.config.isolate ? "1" : `2 ${project.name}`;
}

import type { Reporter, TestModule, TestSpecification } from "vitest/node";

/** Which test files run. It is given to vitest before the reporters that ask it. */
export interface RunningTests extends Reporter {
  /** The names of the test files that run. */
  names(): Iterable<string>;
  /** The test begun last of a file, by the file's name. */
  begunLast(name: string): string;
}

const NONE = "none that was reported";

export function runningTests(): RunningTests {
  const begun = new Map<string, string>();
  return {
    names: () => begun.keys(),
    begunLast: (name) => begun.get(name) ?? NONE,
    onTestModuleQueued: (module) => void begun.set(nameOf(module), NONE),
    onTestCaseReady: ({ module, fullName }) => void begun.set(nameOf(module), fullName),
    onTestModuleEnd: (module) => void begun.delete(nameOf(module)),
  };
}

/** A file can run in several projects. */
export function nameOf({ project, moduleId }: TestModule | TestSpecification): string {
  return `${project.name} ${moduleId}`;
}

import { execFileSync } from "node:child_process";
import { accessSync, constants, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { env } from "node:process";

/**
 * All programs of a name on PATH, the first one first: a machine may have Debian's and a newer one.
 *
 * @throws Error if there is none, since a test without programs would pass.
 */
export function programsOnPath(
  name: string,
  isUsable: (program: string) => boolean = () => true,
): readonly string[] {
  const paths = (env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, name));
  const programs = new Map(paths.filter(isExecutable).map((path) => [realpathSync(path), path]));
  const usable = [...programs.values()].filter(isUsable);
  if (usable.length === 0) throw new Error(`PATH has no ${name} that can be used: run .ci/install-missing`);
  return usable;
}

/** Every Python on PATH that has this module. */
export function pythonsWith(module: string): readonly string[] {
  return programsOnPath("python3", (python) => {
    try {
      execFileSync(python, ["-c", `import ${module}`], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

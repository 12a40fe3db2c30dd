import { StoreFormatError } from "../store.ts";
import type { Commit, Environment } from "./environment.ts";
import { openEnvironment } from "./environment.ts";

/** How long one write may take, in milliseconds: no other process uses the store. */
export const WRITE_DEADLINE_MS = 60_000;

/**
 * Lets `use` read a store and commit to it, while no other process can open it, or commit to it.
 *
 * @throws StoreFormatError if another process has it open.
 */
export async function withUnusedEnvironment<T>(
  directory: string,
  use: (environment: Environment, commit: Commit) => Promise<T>,
): Promise<T> {
  const environment = await openEnvironment(directory, WRITE_DEADLINE_MS);
  try {
    return await environment.exclusively((commit) => {
      const processes = environment.otherProcesses();
      if (processes.length > 0) throw inUse(processes);
      return use(environment, commit);
    });
  } finally {
    await environment.close();
  }
}

function inUse(processes: readonly number[]): StoreFormatError {
  return new StoreFormatError(
    `the store is in use: stop the service first (it is open in ${processes.length === 1 ? "the process" : "the processes"} ${processes.join(", ")})`,
  );
}

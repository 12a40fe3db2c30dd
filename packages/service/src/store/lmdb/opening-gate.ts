import { join } from "node:path";
import { open } from "lmdb";
import { GATE_FILE } from "./files.ts";

/**
 * Keeps openings of a store and commits to it apart, over all processes of the machine.
 *
 * LMDB reads the head of its file when it opens one, and then sets the number of the latest commit that all processes share. If
 * another process commits in between, that number is set back: the commit disappears for readers, and the next one overwrites it
 * (OpenLDAP ITS#9496, not repaired in this package's LMDB). An acknowledged revoke would be lost.
 */
export interface OpeningGate {
  /** Runs `act` while no other process opens the store or commits to it. LMDB gives the lock of a killed process to the next. */
  hold<T>(act: () => T | PromiseLike<T>): Promise<T>;
  close(): Promise<void>;
}

/**
 * Opens the gate of a directory: the write lock of a second environment, in which nothing is ever written. Its own number of the
 * latest commit therefore never changes, and several processes may open it at once.
 */
export function openOpeningGate(directory: string): OpeningGate {
  const environment = open({
    path: join(directory, GATE_FILE),
    noSubdir: true,
    eventTurnBatching: false,
  });
  return {
    async hold(act) {
      // Not the transaction's own result: an error of `act` is no error of the gate.
      let result: Promise<Awaited<ReturnType<typeof act>>> | undefined;
      await environment.transaction(async () => {
        result = run(act);
        await result.catch(() => undefined);
      });
      if (result === undefined) throw new TypeError("the gate was not held");
      return result;
    },
    close: () => environment.close(),
  };
}

async function run<T>(act: () => T): Promise<Awaited<T>> {
  return await act();
}

import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { open } from "lmdb";
import { StoreFormatError } from "../store.ts";
import { GATE_FILE, GATE_LOCK_FILE } from "./files.ts";

/**
 * Lets no process of the machine open a store while another one commits to it.
 *
 * LMDB reads the head of its file when it opens one, and then sets the number of the latest commit that all processes share. If
 * another process commits in between, that number is set back: the commit disappears for readers, and the next one overwrites it
 * (OpenLDAP ITS#9496, not repaired in this package's LMDB). An acknowledged revoke would be lost.
 */
export interface CommitGate {
  /** Runs `act` while no other process opens the store or commits to it. LMDB gives the lock of a killed process to the next. */
  hold<T>(act: () => T | PromiseLike<T>): Promise<T>;
  close(): Promise<void>;
}

/**
 * Opens the gate of a directory: the write lock of a second environment, in which nothing is ever written. Its own number of the
 * latest commit therefore never changes, and several processes may open it at once.
 */
export function openCommitGate(directory: string): CommitGate {
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

/** Leaves a directory of another program as it was, and a copy with only its data file. */
export function removeGate(directory: string): void {
  for (const name of [GATE_FILE, GATE_LOCK_FILE]) rmSync(join(directory, name), { force: true });
}

/** What was opened, and the gate that every commit to it must hold. */
export interface OpenedThroughGate<T> {
  readonly opened: T;
  readonly gate: CommitGate;
}

/**
 * Opens a store in `directory` while no other process commits to it. It waits for as long as another process is stopped within
 * a commit, as LMDB does whenever a file is opened.
 */
export async function openThroughGate<T>(directory: string, act: () => T): Promise<OpenedThroughGate<T>> {
  const isNew = !existsSync(join(directory, GATE_FILE));
  const gate = openCommitGate(directory);
  try {
    return { opened: await gate.hold(act), gate };
  } catch (error) {
    await gate.close();
    if (isNew && error instanceof StoreFormatError) removeGate(directory);
    throw error;
  }
}

async function run<T>(act: () => T): Promise<Awaited<T>> {
  return await act();
}

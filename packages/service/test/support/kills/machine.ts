import { join } from "node:path";
import type { TestDataDirectory } from "../../../../testkit/src/data-directory.ts";
import { initDataDirectory } from "../../../../testkit/src/data-directory.ts";
import type { ServiceProcess } from "../../../../testkit/src/process.ts";
import { PATIENT_WRITES, spawnService } from "../../../../testkit/src/process.ts";
import type { FaultyDisk } from "../disk/faulty-disk.ts";
import { createFaultyDisk } from "../disk/faulty-disk.ts";
import { cutPower } from "../disk/power-cut.ts";
import type { ServingNode } from "../faults/cluster-node.ts";

/**
 * What a store is opened after.
 *
 * - `kill`: the file system has all that the process wrote.
 * - `kill, without what was not flushed`: LMDB opens, by its option, the last transaction that was flushed.
 * - `power failure`: the machine starts again, and sectors that were written and not flushed are lost, drawn one by one.
 */
export const REOPENINGS = ["kill", "kill, without what was not flushed", "power failure"] as const;
export type Reopening = (typeof REOPENINGS)[number];

/** A data directory. */
interface DataPath extends AsyncDisposable {
  readonly path: string;
}

/** One process of the service over LMDB, on a disk that does what a test wants. */
export interface Machine<D extends DataPath = TestDataDirectory> extends AsyncDisposable {
  readonly node: ServingNode;
  readonly disk: FaultyDisk;
  readonly data: D;
  readonly dataFile: string;
  /** Kills the process if it has not ended. */
  kill(): Promise<void>;
  /**
   * Starts a process in place of one that has ended.
   *
   * @param isLost draws which sectors a power failure takes.
   * @returns how many it took.
   */
  restart(after: Reopening, isLost: () => boolean): Promise<number>;
}

export async function startMachine(flags: readonly string[] = PATIENT_WRITES): Promise<Machine> {
  return startMachineOn(await initDataDirectory(), flags);
}

/** @param data is disposed of with the machine. */
export async function startMachineOn<D extends DataPath>(
  data: D,
  flags: readonly string[] = PATIENT_WRITES,
): Promise<Machine<D>> {
  const disk = await createFaultyDisk();
  const dataFile = join(data.path, "store", "data.mdb");
  /** How often the machine has started. */
  let boots = 1;
  const start = (env: Readonly<Record<string, string>>): Promise<ServiceProcess> =>
    spawnService(data.path, { flags, env: { ...disk.env, FAULTY_DISK_BOOT: bootDigits(boots), ...env } });
  let service = await start({});
  return {
    node: {
      number: 0,
      get service() {
        return service;
      },
    },
    disk,
    data,
    dataFile,
    kill: async () => void (await service.end("SIGKILL")),
    async restart(after, isLost) {
      const lost = after === "power failure" ? cutPower(disk.journal, dataFile, isLost) : 0;
      if (after === "power failure") boots += 1;
      service = await start(after === "kill, without what was not flushed" ? { LMDB_RESTORE: "safe" } : {});
      return lost;
    },
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
      await data[Symbol.asyncDispose]();
      await disk[Symbol.asyncDispose]();
    },
  };
}

/** Eight hexadecimal digits. LMDB takes an id of zero for none. */
function bootDigits(boots: number): string {
  return boots.toString(16).padStart(8, "0");
}

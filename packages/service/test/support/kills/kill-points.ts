import fc from "fast-check";
import type { DiskCall, DiskRule } from "../disk/faulty-disk.ts";
import { COUNTED } from "../faults/lives.ts";

/** What a point can do. */
export interface PointContext {
  /** The file of the store. */
  readonly dataFile: string;
  /** Kills the process at a call, and resolves when it has ended. */
  killedAt(rule: Omit<DiskRule, "action">, when: "before" | "after"): Promise<void>;
  /** Makes a membrane with capabilities, and revokes it; the clients load nothing else when it resolves. */
  revokeAlone(capabilities: number): Promise<void>;
  /** Runs `membrane backup` while clients load the service, and kills that at a call on a file of the backup, or any that it makes. */
  killBackup(rule: Omit<DiskRule, "action" | "of">, file: string): Promise<void>;
}

/** A moment at which a process is killed. */
export interface KillPoint {
  readonly name: string;
  /** Draws which of such moments, with a seed. */
  readonly run: (context: PointContext, seed: number) => Promise<void>;
}

function point<T>(
  name: string,
  parameters: fc.Arbitrary<T>,
  run: (context: PointContext, drawn: T) => Promise<unknown>,
): KillPoint {
  return {
    name,
    async run(context, seed) {
      const [drawn] = fc.sample(parameters, { seed, numRuns: 1 });
      await run(context, drawn!);
    },
  };
}

/** How many calls of the kind pass before, when clients write without pause. */
const anyOf = (count: number): fc.Arbitrary<number> => fc.nat(count - 1);

/** A point that is a call on the store's file, of commits of all kinds. */
function inStore(name: string, calls: readonly DiskCall[], when: "before" | "after"): KillPoint {
  return point(name, anyOf(40), ({ dataFile, killedAt }, skip) =>
    killedAt({ calls, of: dataFile, skip }, when),
  );
}

const arbitraryResponse = fc.record({
  of: fc.constantFrom("HTTP/1.1 201 ", "HTTP/1.1 202 "),
  skip: anyOf(6),
});

export const KILL_POINTS: readonly KillPoint[] = [
  inStore("before pages of a commit are written", ["write"], "before"),
  inStore("before the head of a commit is written", ["head"], "before"),
  inStore("after the head of a commit is written", ["head"], "after"),
  inStore("between a commit and its flush", ["flush"], "before"),
  inStore("after a flush", ["flush"], "after"),
  point("between a flush and the response", arbitraryResponse, ({ killedAt }, rule) =>
    killedAt({ calls: ["send"], ...rule }, "before"),
  ),
  point("after a response", arbitraryResponse, ({ killedAt }, rule) =>
    killedAt({ calls: ["send"], ...rule }, "after"),
  ),
  point("between the count of a use and its request", anyOf(6), ({ killedAt }, skip) =>
    killedAt({ calls: ["send"], of: `GET /${COUNTED}`, skip }, "before"),
  ),
  point(
    "in the sweep",
    fc.record({
      calls: fc.constantFrom<readonly DiskCall[]>(["write"], ["head"], ["flush"]),
      when: fc.constantFrom("before", "after"),
      skip: anyOf(3),
    }),
    async ({ dataFile, revokeAlone, killedAt }, { calls, when, skip }) => {
      await revokeAlone(20);
      await killedAt({ calls, of: dataFile, skip }, when);
    },
  ),
  point(
    "in a backup",
    fc.record({
      call: fc.constantFrom<DiskCall>("write", "head", "flush"),
      file: fc.constantFrom("store/data.mdb", ".tmp"),
      skip: anyOf(2),
    }),
    ({ killBackup }, { call, file, skip }) => killBackup({ calls: [call], skip }, file),
  ),
];

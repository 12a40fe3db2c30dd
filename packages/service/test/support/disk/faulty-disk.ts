import { execFile } from "node:child_process";
import { constants } from "node:os";
import { closeSync, openSync, readSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { temporaryDirectory } from "../../../../testkit/src/temporary-directory.ts";

/** The calls of a process on a file, or on a socket. `head` writes the first two pages of a file: LMDB's commits end with that. */
export type DiskCall = keyof typeof CALLS;

export type DiskAction =
  | { readonly kind: "kill before"; readonly heldMs: number }
  | { readonly kind: "kill after" }
  /** A write takes no byte. */
  | { readonly kind: "shorten" }
  | { readonly kind: "fail"; readonly code: keyof typeof constants.errno }
  /** The call waits until the rule is ended. */
  | { readonly kind: "hold" };

/** What is done to which calls. */
export interface DiskRule {
  readonly calls: readonly DiskCall[];
  /** The end of the path of a file; of `send`, a part of what is sent. */
  readonly of: string;
  readonly action: DiskAction;
  /** How many calls pass before. Default: none. */
  readonly skip?: number;
  /** To how many calls it is done then. Default: all. */
  readonly times?: number;
}

/** A rule that holds until it is ended. */
export interface ActiveRule extends Disposable {
  /** To how many calls it was done so far. */
  hits(): number;
}

/** What happens to the calls of processes that have its variables. */
export interface FaultyDisk extends AsyncDisposable {
  readonly env: Readonly<Record<string, string>>;
  add(rule: DiskRule): ActiveRule;
  /** The file of what was written to a store and not flushed, for `cutPower`. */
  readonly journal: string;
}

/* As in faulty-disk.c. */
const CALLS = { write: 1, head: 2, flush: 4, send: 8, read: 16 } as const;
const ACTIONS = { "kill before": 1, "kill after": 2, fail: 3, hold: 4, shorten: 5 } as const;
const RULES = 16;
const RULE_BYTES = 256;
const TEXT_OFFSET = 24;
const HITS_OFFSET = 20;
const ALL = 0x7fff_ffff;

const execute = promisify(execFile);

const SOURCE = fileURLToPath(new URL("faulty-disk.c", import.meta.url));

/** Compiles the library, and makes a file for its rules. */
export async function createFaultyDisk(): Promise<FaultyDisk> {
  const directory = await temporaryDirectory();
  const [library, rules, journal] = ["faulty-disk.so", "rules", "journal"].map((name) =>
    join(directory.path, name),
  ) as [string, string, string];
  await execute("gcc", ["-O2", "-shared", "-fPIC", "-pthread", "-o", library, SOURCE]);
  writeFileSync(rules, Buffer.alloc(RULES * RULE_BYTES));
  writeFileSync(journal, "");
  const file = openSync(rules, "r+");
  const free = Array.from({ length: RULES }, (_, index) => index);
  return {
    env: { LD_PRELOAD: library, FAULTY_DISK_RULES: rules, FAULTY_DISK_JOURNAL: journal },
    journal,
    add(rule) {
      const index = free.shift();
      if (index === undefined) throw new Error(`there are ${RULES} rules already`);
      const position = index * RULE_BYTES;
      const bytes = encodeRule(rule);
      // The calls last: with them the rule holds.
      writeSync(file, bytes, 4, RULE_BYTES - 4, position + 4);
      writeSync(file, bytes, 0, 4, position);
      return {
        hits() {
          const hits = Buffer.alloc(4);
          readSync(file, hits, 0, 4, position + HITS_OFFSET);
          return hits.readUInt32LE();
        },
        [Symbol.dispose]() {
          writeSync(file, Buffer.alloc(4), 0, 4, position);
          free.push(index);
        },
      };
    },
    async [Symbol.asyncDispose]() {
      closeSync(file);
      await directory[Symbol.asyncDispose]();
    },
  };
}

function encodeRule({ calls, of, action, skip = 0, times = ALL }: DiskRule): Buffer {
  const bytes = Buffer.alloc(RULE_BYTES);
  bytes.writeUInt32LE(calls.reduce((bits, call) => bits | CALLS[call], 0));
  bytes.writeInt32LE(skip, 4);
  bytes.writeInt32LE(times, 8);
  bytes.writeUInt32LE(ACTIONS[action.kind], 12);
  bytes.writeUInt32LE(valueOf(action), 16);
  if (bytes.write(of, TEXT_OFFSET, RULE_BYTES - TEXT_OFFSET - 1) < Buffer.byteLength(of))
    throw new Error(`longer than a rule's text may be: ${of}`);
  return bytes;
}

function valueOf(action: DiskAction): number {
  if (action.kind === "fail") return constants.errno[action.code];
  return action.kind === "kill before" ? action.heldMs : 0;
}

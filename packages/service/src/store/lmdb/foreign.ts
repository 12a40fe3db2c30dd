import { existsSync, openSync, closeSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import type { RootDatabase } from "lmdb";
import { StoreFormatError } from "../store.ts";
import { take } from "./row.ts";

const DATA_FILE = "data.mdb";

/** The first bytes of an LMDB file of our version: where its magic number is, and the version that follows it. */
const HEAD_BYTES = 32;
const MAGIC = 0xbeefc0de;
const MAGIC_AT = 24;
const VERSION = 2;
const VERSION_MASK = 0xffff;

/** Where the standard library's format, which has a shorter header, has the magic number. */
const STANDARD_MAGIC_AT = 16;

/**
 * Refuses a directory that holds something other than a store. LMDB ends the process when it opens a file that is no
 * environment, and would write into one of another program.
 *
 * @throws StoreFormatError
 */
export function assertOwnFile(directory: string): void {
  if (!existsSync(directory)) return;
  const path = join(directory, DATA_FILE);
  if (!existsSync(path)) {
    const other = readdirSync(directory).find((name) => !OWN_FILES.has(name));
    if (other === undefined) return;
    throw new StoreFormatError(
      `${directory} holds no store, but ${other}: name another directory with --data`,
    );
  }
  const head = readHead(path);
  // Nothing was written yet: a first start was ended early.
  if (head.length === 0) return;
  const isStandard = hasMagic(head, STANDARD_MAGIC_AT);
  if (hasMagic(head, MAGIC_AT) && (head.readUInt32LE(MAGIC_AT + 4) & VERSION_MASK) === VERSION) return;
  throw new StoreFormatError(
    isStandard || hasMagic(head, MAGIC_AT)
      ? `${path} is an LMDB file of another format: it is another program's, or a copy that mdb_copy made; restore a copy that "membrane backup" made`
      : `${path} is no store, or is damaged: restore a backup, or name another directory with --data`,
  );
}

/**
 * Refuses an LMDB environment of another program, before a table is made in it.
 *
 * @throws StoreFormatError
 */
export function assertOwnTables(root: RootDatabase<Buffer, Buffer>, names: ReadonlySet<string>): void {
  for (const key of take(root.getKeys(), names.size + 1)) {
    if (typeof key === "string" && names.has(key)) continue;
    throw new StoreFormatError(
      "the store is an LMDB environment of another program: name another directory with --data",
    );
  }
}

/** What may exist before the data file. */
const OWN_FILES: ReadonlySet<string> = new Set(["lock.mdb"]);

function hasMagic(head: Buffer, at: number): boolean {
  return head.length >= at + 8 && head.readUInt32LE(at) === MAGIC;
}

function readHead(path: string): Buffer {
  const file = openSync(path, "r");
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    return head.subarray(0, readSync(file, head, 0, HEAD_BYTES, 0));
  } finally {
    closeSync(file);
  }
}

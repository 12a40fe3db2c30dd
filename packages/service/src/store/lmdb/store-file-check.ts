import { accessSync, constants, existsSync, openSync, closeSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import type { RootDatabase } from "lmdb";
import { finalName } from "../../private-files.ts";
import { StoreFormatError } from "../store.ts";
import { takeFirst } from "./authenticated-table.ts";
import { DATA_FILE, GATE_FILE, GATE_LOCK_FILE, LOCK_FILE } from "./files.ts";

/** The head of a file in the format of the lmdb package: where its magic number is, and the version that follows it. */
const HEADER_BYTES = 32;
const MAGIC = 0xbeefc0de;
const MAGIC_OFFSET = 24;
const VERSION = 2;
const VERSION_MASK = 0xffff;

/** Where the standard library's format, which has a shorter header, has the magic number. */
const STANDARD_MAGIC_OFFSET = 16;

/**
 * Refuses a directory that holds something other than a store, or a file that this user may not use. LMDB ends the process when it
 * opens a file that is no environment, or cannot open one, and would write into one of another program.
 *
 * @throws StoreFormatError
 * @throws an error of the system, with its code.
 */
export function assertStoreFile(directory: string): void {
  if (!existsSync(directory)) return;
  for (const name of [DATA_FILE, ...OWN_FILES]) assertAccess(join(directory, name));
  assertDataFile(directory);
  assertGateFile(join(directory, GATE_FILE));
}

/** Without opening it: closing a lock file would drop the locks that this process may hold on it (fcntl). */
function assertAccess(path: string): void {
  if (existsSync(path)) accessSync(path, constants.R_OK | constants.W_OK);
}

function assertDataFile(directory: string): void {
  const path = join(directory, DATA_FILE);
  if (!existsSync(path)) {
    // Another process may start for the first time, too.
    const other = readdirSync(directory).find((name) => !OWN_FILES.has(finalName(name)));
    if (other === undefined) return;
    throw new StoreFormatError(
      `${directory} holds no store, but ${other}: name another directory with --data`,
    );
  }
  const head = readFileHeader(path);
  // Nothing was written yet: a first start was ended early.
  if (head.length === 0) return;
  if (isEnvironment(head)) return;
  const isStandard = hasMagic(head, STANDARD_MAGIC_OFFSET);
  throw new StoreFormatError(
    isStandard || hasMagic(head, MAGIC_OFFSET)
      ? `${path} is an LMDB file of another format: it is another program's, or a copy that mdb_copy made; restore a copy that "membrane backup" made`
      : `${path} is no store, or is damaged: restore a backup, or name another directory with --data`,
  );
}

/** The gate holds nothing that would be lost. */
function assertGateFile(path: string): void {
  if (!existsSync(path)) return;
  const head = readFileHeader(path);
  if (head.length === 0 || isEnvironment(head)) return;
  throw new StoreFormatError(
    `${path} is damaged: end all processes that use the store, and remove this file`,
  );
}

/**
 * Refuses an LMDB environment of another program, before a table is made in it.
 *
 * @throws StoreFormatError
 */
export function assertStoreTables(root: RootDatabase<Buffer, Buffer>, names: ReadonlySet<string>): void {
  for (const key of takeFirst(root.getKeys(), names.size + 1)) {
    if (typeof key === "string" && names.has(key)) continue;
    throw new StoreFormatError(
      "the store is an LMDB environment of another program: name another directory with --data",
    );
  }
}

/** What may exist before the data file. */
const OWN_FILES: ReadonlySet<string> = new Set([LOCK_FILE, GATE_FILE, GATE_LOCK_FILE]);

function isEnvironment(head: Buffer): boolean {
  return hasMagic(head, MAGIC_OFFSET) && (head.readUInt32LE(MAGIC_OFFSET + 4) & VERSION_MASK) === VERSION;
}

function hasMagic(head: Buffer, offset: number): boolean {
  return head.length >= offset + 8 && head.readUInt32LE(offset) === MAGIC;
}

function readFileHeader(path: string): Buffer {
  const file = openSync(path, "r");
  try {
    const head = Buffer.alloc(HEADER_BYTES);
    return head.subarray(0, readSync(file, head, 0, HEADER_BYTES, 0));
  } finally {
    closeSync(file);
  }
}

import { closeSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";

/** What a disk writes whole, or not at all. */
const SECTOR_BYTES = 512;

/* As in faulty-disk.c. */
const RECORD_BYTES = 16;
const KINDS = { unflushed: 1, flushed: 2, through: 3 } as const;

/** The part of a write that is in one sector. */
interface SectorWrite {
  /** Where the journal has the write. */
  readonly at: number;
  readonly offset: number;
  /** What was there before. */
  readonly before: Buffer;
}

/**
 * Does to a store's file what a power failure may do: each sector that was written and not flushed holds either what was written
 * last, or what was there at the last flush.
 *
 * @param journal of the process that wrote to it, which has ended; it is emptied.
 * @param isLost draws whether a sector is lost.
 * @returns how many sectors are lost.
 */
export function cutPower(journal: string, dataFile: string, isLost: () => boolean): number {
  const lost = [...readUnflushed(readFileSync(journal)).values()].filter(isLost);
  const file = openSync(dataFile, "r+");
  try {
    for (const writes of lost) {
      for (const { offset, before } of writes.toReversed()) writeSync(file, before, 0, before.length, offset);
    }
  } finally {
    closeSync(file);
  }
  truncateSync(journal, 0);
  return lost.length;
}

/** @returns the writes to each sector that were not flushed, in their order. */
function readUnflushed(journal: Buffer): ReadonlyMap<number, readonly SectorWrite[]> {
  const sectors = new Map<number, readonly SectorWrite[]>();
  for (let at = 0; at + RECORD_BYTES <= journal.length;) {
    const kind = journal.readUInt32LE(at);
    const length = journal.readUInt32LE(at + 4);
    const offset = Number(journal.readBigUInt64LE(at + 8));
    const isWrite = kind === KINDS.unflushed;
    if (kind === KINDS.flushed) keepSince(sectors, offset);
    for (const [begin, end] of kind === KINDS.flushed ? [] : partsOf(offset, length)) {
      const sector = Math.floor(begin / SECTOR_BYTES);
      // A disk writes a sector with all that waits for it.
      if (!isWrite) sectors.delete(sector);
      else {
        const content = at + RECORD_BYTES - offset;
        const before = journal.subarray(content + begin, content + end);
        sectors.set(sector, [...(sectors.get(sector) ?? []), { at, offset: begin, before }]);
      }
    }
    at += RECORD_BYTES + (isWrite ? length : 0);
  }
  return sectors;
}

/** Forgets what was written before a position of the journal. */
function keepSince(sectors: Map<number, readonly SectorWrite[]>, position: number): void {
  for (const [sector, writes] of sectors) {
    const rest = writes.filter(({ at }) => at >= position);
    if (rest.length === 0) sectors.delete(sector);
    else sectors.set(sector, rest);
  }
}

/** Where a range begins and ends in each of its sectors. */
function* partsOf(offset: number, length: number): Iterable<readonly [number, number]> {
  for (let begin = offset; begin < offset + length;) {
    const end = Math.min(offset + length, (Math.floor(begin / SECTOR_BYTES) + 1) * SECTOR_BYTES);
    yield [begin, end];
    begin = end;
  }
}

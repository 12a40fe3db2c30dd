import type { WriteClass } from "./write-queue.ts";

/** The room that a store has for a write. All in bytes. */
export interface WriteRoom {
  /** Allocated behind the last page in use: writing there needs nothing of the file system. */
  readonly tail: number;
  /** Pages in use before, and free now. They may lie apart, and readers may still see some of them. */
  readonly free: number;
  /** As much of the tail as is kept for revokes. */
  readonly reserve: number;
}

/** A write goes into free pages alone only if there are so many more than it needs: some are apart, some are still seen. */
const FREE_FACTOR = 4;
const FREE_MARGIN = 1024 * 1024;

/**
 * Whether a write may go on, so that a revoke always finds room: a revoke may use all of the tail; a sweep, which ends with
 * more free pages than it began with, leaves a quarter of the reserve; all else leaves the reserve, but for one write's
 * worth where enough pages are free within.
 *
 * @param need the most bytes that the write may take, in pages.
 */
export function hasRoom(kind: WriteClass, need: number, { tail, free, reserve }: WriteRoom): boolean {
  switch (kind) {
    case "revoke":
      return true;
    case "sweep":
      return tail >= reserve / 4 || free >= FREE_MARGIN;
    case "create":
      if (tail - need >= reserve) return true;
      return tail - need >= reserve / 2 && free >= FREE_FACTOR * need + FREE_MARGIN;
  }
}

import type { WriteClass } from "./write-queue.ts";

/** The space that a store has for a write, in bytes. */
export interface WriteSpace {
  /** Allocated after the last page in use: writing there needs no space from the file system. */
  readonly tail: number;
  /** Pages that were in use and are free now. They may not be adjacent, and readers may still use some of them. */
  readonly free: number;
  /** The part of the tail that is reserved for revokes. */
  readonly reserve: number;
}

/** How many more free pages than it needs a write must find to use them alone: some are not adjacent, some still in use. */
const FREE_FACTOR = 4;
const FREE_MARGIN = 1024 * 1024;

/**
 * Whether a write may proceed, so that a revoke always finds space. A revoke may use the whole tail. A sweep, which frees more
 * pages than it takes, leaves a quarter of the reserve. Any other write leaves the reserve, or half of it if enough pages are
 * free within the file.
 *
 * @param requiredBytes the most bytes that the write may take, in pages.
 */
export function hasSpace(
  kind: WriteClass,
  requiredBytes: number,
  { tail, free, reserve }: WriteSpace,
): boolean {
  switch (kind) {
    case "revoke":
      return true;
    case "sweep":
      return tail >= reserve / 4 || free >= FREE_MARGIN;
    case "create":
    case "use":
      if (tail - requiredBytes >= reserve) return true;
      return tail - requiredBytes >= reserve / 2 && free >= FREE_FACTOR * requiredBytes + FREE_MARGIN;
  }
}

/**
 * What all bodies that are held at once may take of the memory. Each is limited by itself too; but as many as may be under way
 * would hold more, together, than a machine has.
 */
export interface HeldBytes {
  /** Whether there was room. What was taken must be given back. */
  take(bytes: number): boolean;
  giveBack(bytes: number): void;
}

export function createHeldBytes(limit: number): HeldBytes {
  let held = 0;
  return {
    take(bytes) {
      if (held + bytes > limit) return false;
      held += bytes;
      return true;
    },
    giveBack(bytes) {
      held -= bytes;
    },
  };
}

import type { AuditHead, StoredAuditHeads } from "../domain/audit-head.ts";

/** How often the store learns at most where a writer is, in milliseconds: lines after that can be cut off unseen. */
const INTERVAL_MS = 1_000;

/** How many writers the store remembers: those that wrote last. */
export const MAX_WRITERS = 4_096;

/** Where heads are kept. */
export interface HeadStore {
  moveAuditHead(head: AuditHead, dropped?: readonly AuditHead[]): Promise<void>;
}

/** Tells the store where a writer is, after lines that belong to no change. */
export interface HeadKeeper {
  /** Lines were written: the store knows of them within a second, or with the next change. */
  written(): void;
  /** A change moves the head itself. */
  moved(head: AuditHead): void;
  /** Tells it now. Resolves even if the store cannot be written. */
  moveNow(): Promise<void>;
  stop(): void;
}

export interface HeadKeeperOptions {
  readonly store: HeadStore;
  readonly head: () => AuditHead;
  /** Waits until all lines so far are on disk. Absent: the store may name a line that is not. */
  readonly sync?: (() => Promise<void>) | undefined;
  /** Called with an error that is not of the store's disk or network. */
  readonly onFault: (error: unknown) => void;
  readonly isOutage: (error: unknown) => boolean;
}

export function createHeadKeeper({ store, head, sync, onFault, isOutage }: HeadKeeperOptions): HeadKeeper {
  let known = 0;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  const moveNow = async (): Promise<void> => {
    const current = head();
    if (current.sequence <= known) return;
    try {
      await sync?.();
    } catch {
      // The flush has reported it.
      return;
    }
    try {
      await store.moveAuditHead(current);
      known = Math.max(known, current.sequence);
    } catch (error) {
      // The next one moves past it.
      if (!isOutage(error)) onFault(error);
    }
  };
  const written = (): void => {
    if (isStopped || timer !== undefined) return;
    timer = setTimeout(() => {
      void moveNow().finally(() => {
        timer = undefined;
        if (head().sequence > known) written();
      });
    }, INTERVAL_MS).unref();
  };
  return {
    written,
    moved({ sequence }) {
      known = Math.max(known, sequence);
    },
    moveNow,
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}

/** The heads of writers that wrote long ago, beyond those that are remembered. */
export function headsToDrop({ heads }: StoredAuditHeads): readonly AuditHead[] {
  return heads.toSorted((a, b) => b.time - a.time).slice(MAX_WRITERS - 1);
}

import type { Uid } from "../../../domain/uid.ts";
import type { Cursor, LogEntry } from "../../lease/statements.ts";
import type { Position, Revocations } from "../../revocation-source.ts";
import { samePosition } from "../../revocation-source.ts";

/** How many entries a reader may have missed; past that it drops all that it knows. */
const MAX_ENTRIES = 10_000;

/** The log of revokes as far as this process has applied it, with its last entries. */
export interface AppliedLog {
  /** What was applied last; absent at first. The same object until more is applied. */
  end(): Position | undefined;
  apply(entries: readonly LogEntry[]): void;
  /** Forgets all entries: the log begins at the cursor. */
  restart(cursor: Cursor): void;
  since(position: Position): Revocations;
}

interface AppliedEntry {
  readonly position: Position;
  /** Absent where the log begins. */
  readonly uid?: Uid;
}

export function createAppliedLog(): AppliedLog {
  let entries: AppliedEntry[] = [];

  return {
    end: () => entries.at(-1)?.position,
    apply(applied) {
      for (const entry of applied) entries.push({ position: positionOf(entry), uid: entry.uid });
      if (entries.length >= 2 * MAX_ENTRIES) entries = entries.slice(-MAX_ENTRIES);
    },
    restart(cursor) {
      entries = [{ position: positionOf(cursor) }];
    },
    since(position) {
      const [first, last] = [entries[0], entries.at(-1)];
      if (first === undefined || last === undefined) return { position, uids: "everything" };
      // Positions are consecutive: each entry adds one to that before it.
      const index = Number(position.sequence - first.position.sequence);
      const known = entries[index];
      if (known === undefined || !samePosition(known.position, position))
        return { position: last.position, uids: "everything" };
      return {
        position: last.position,
        uids: new Set(entries.slice(index + 1).flatMap(({ uid }) => uid ?? [])),
      };
    },
  };
}

function positionOf({ position, tag }: Cursor): Position {
  return { log: tag, sequence: position };
}

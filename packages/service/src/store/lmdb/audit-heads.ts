import type { AuditHead, StoredAuditHeads } from "../../domain/audit-head.ts";
import type { AuditHeadKey } from "../codec/audit-head-row.ts";
import { AUDIT_PREFIX, auditHeadKey, encodeAuditHead, readAuditHeads } from "../codec/audit-head-row.ts";
import type { ServiceKeys } from "../keys.ts";
import { takeFirst } from "./authenticated-table.ts";
import type { KeyRange } from "./authenticated-table.ts";
import type { Table } from "./schema.ts";

/** Where each writer of the audit trail is. */
export interface AuditHeads {
  /** Puts a head in the place of the earlier ones of its writer; one that is not newer changes nothing. */
  move(head: AuditHead): void;
  drop(head: AuditHeadKey): void;
  read(): StoredAuditHeads;
}

/** All rows of heads. */
export const ALL_AUDIT_HEADS: KeyRange = {
  start: AUDIT_PREFIX,
  end: Buffer.concat([AUDIT_PREFIX, Buffer.alloc(1, 0xff), Buffer.alloc(32, 0xff)]),
};

/** How many rows of a writer are removed at once: there is one, unless a move to another engine brought more. */
const MAX_REMOVED = 64;

/** @param table `meta`. */
export function createAuditHeads(table: Table, keys: ServiceKeys): AuditHeads {
  return {
    move(head) {
      const key = auditHeadKey(head);
      const present = keysOf(table, {
        start: auditHeadKey({ ...head, sequence: 0 }),
        end: auditHeadKey({ ...head, sequence: Number.MAX_SAFE_INTEGER }),
      });
      // By their keys alone: a row that was changed must not stop a revoke.
      if (present.some((other) => other.compare(key) >= 0)) return;
      for (const other of present) table.removeSync(other);
      table.putSync(key, encodeAuditHead(head, keys));
    },
    drop: (head) => void table.removeSync(auditHeadKey(head)),
    read: () => readAuditHeads(rowsOf(table), keys),
  };
}

function keysOf(table: Table, range: KeyRange): readonly Buffer[] {
  return takeFirst(table.getKeys(range), MAX_REMOVED).map((key) => Buffer.from(key));
}

function* rowsOf(table: Table): Iterable<{ readonly key: Buffer; readonly body: Buffer }> {
  for (const { key, value } of table.getRange(ALL_AUDIT_HEADS))
    yield { key: Buffer.from(key), body: Buffer.from(value) };
}

/**
 * The last line of a writer of the audit trail that the store knows of. The store keeps it, so that a line up to it that is missing
 * at the end of the trail is missed.
 */
export interface AuditHead {
  /** The process that wrote the line: a random id, 32 hex digits. */
  readonly writer: string;
  /** Of the line; the first one of a writer is 1. */
  readonly sequence: number;
  /** Of the line, 32 bytes. */
  readonly mac: Buffer;
  /** Of the line, in milliseconds since 1970. */
  readonly time: number;
  /** When the writer began, in milliseconds since 1970. */
  readonly startedAt: number;
}

/** The heads of a store. */
export interface StoredAuditHeads {
  /** Of some writers there may be more than one: the one with the highest number counts. */
  readonly heads: readonly AuditHead[];
  /** Rows that are not what was written. */
  readonly damaged: number;
}

/** What a check found, and what to do about it. */
export interface Finding {
  readonly ok: boolean;
  readonly what: string;
  /** It works, but the operator should know. */
  readonly isWarning?: boolean;
}

/** The message of an error, which says what to do. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "failed";
}

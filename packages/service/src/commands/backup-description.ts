import type { Authority } from "capability-protocol";
import { parseAuthority } from "capability-protocol";

/** Describes a backup. It is written last: a backup without it is incomplete. */
export interface BackupDescription {
  readonly takenAt: Date;
  /** The authority of the service. */
  readonly authority: Authority;
}

/** Version of the backup's layout. */
const BACKUP_VERSION = 1;

export function formatBackupDescription({ takenAt, authority }: BackupDescription): string {
  return `${JSON.stringify({ version: BACKUP_VERSION, takenAt: takenAt.toISOString(), authority })}\n`;
}

/** @returns nothing for any other text, and for the description of another version. */
export function parseBackupDescription(text: string): BackupDescription | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof json !== "object" || json === null) return undefined;
  if (!("version" in json) || json.version !== BACKUP_VERSION) return undefined;
  if (!("takenAt" in json) || typeof json.takenAt !== "string") return undefined;
  if (!("authority" in json) || typeof json.authority !== "string") return undefined;
  const takenAt = new Date(json.takenAt);
  const authority = parseAuthority(json.authority);
  return authority === undefined || Number.isNaN(takenAt.getTime()) ? undefined : { takenAt, authority };
}

import type { Authority } from "capability-protocol";
import { parseAuthority } from "capability-protocol";

/** Describes a backup. It is written last: a backup without it is incomplete. */
export interface BackupDescription {
  readonly takenAt: Date;
  /** The authority of the service. */
  readonly authority: Authority;
  /** SHA-256 of the copied data file, in hex: a copy that was cut short would be restored as far as it goes. */
  readonly sha256: string;
}

/** Version of the backup's layout. */
const BACKUP_VERSION = 2;

export function formatBackupDescription({ takenAt, authority, sha256 }: BackupDescription): string {
  return `${JSON.stringify({ version: BACKUP_VERSION, takenAt: takenAt.toISOString(), authority, sha256 })}\n`;
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
  if (!("sha256" in json) || typeof json.sha256 !== "string") return undefined;
  const { sha256 } = json;
  const takenAt = new Date(json.takenAt);
  const authority = parseAuthority(json.authority);
  if (authority === undefined || Number.isNaN(takenAt.getTime())) return undefined;
  return { takenAt, authority, sha256 };
}

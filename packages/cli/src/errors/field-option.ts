import type { LimitsFile } from "./limits-file.ts";
import { placeInFile } from "./limits-file.ts";
import type { RequestContext } from "./request-context.ts";

/** What decides which option a field came from. */
export type FieldSource = Pick<RequestContext, "right" | "limitsFile" | "preset">;

/**
 * Replaces the JSON path of a field at the start of a message, `tls.ca: expected PEM`, by the option for that field, or by its place in
 * the file that it came from. The tables of options follow the same rule.
 */
export function replaceFieldWithOption(message: string, source: FieldSource): string {
  const path = fieldOf(message);
  return path === undefined ? message : `${describeField(path, source)}${message.slice(path.length)}`;
}

/** Whether a message is about a limit that came from the file. */
export function isAboutFile(message: string, file: LimitsFile): boolean {
  const path = fieldOf(message);
  return path !== undefined && placeInFile(path, file) !== undefined;
}

/** Returns the JSON path that a message begins with. */
export function fieldOf(message: string): string | undefined {
  return /^([A-Za-z0-9][\w.[\]-]*|(?:limits\.)?(?:headers|query|requests)[.[].+?): /s.exec(message)?.[1];
}

/** Options that have another name than their field. What has none comes from the file of `--from`. */
const LIMIT_OPTIONS: ReadonlyMap<string, string> = new Map([
  ["expiresAt", "--expires-at"],
  ["ttlMs", "--expires-in"],
  ["notBefore", "--not-before"],
  ["maxUses", "--max-uses"],
  ["maxUsesEveryMs", "--max-uses-every"],
  ["methods", "--methods"],
  ["paths", "--path"],
  ["maxBodyBytes", "--max-body-bytes"],
  ["clientCidrs", "--client-cidr"],
  ["delegable", "--delegable"],
]);

/** Names the option of a field, or the file and the field's place in it. */
export function describeField(path: string, { right, limitsFile, preset }: FieldSource): string {
  const place = limitsFile === undefined ? undefined : placeInFile(path, limitsFile);
  if (limitsFile !== undefined && place !== undefined) return `--from ${limitsFile.name}: ${place}`;
  const withoutOption = preset === undefined ? "--from" : `--preset ${preset}`;
  if (path.startsWith("headers.")) return `--header ${path.slice("headers.".length)}`;
  if (path === "capability") return right === "export" ? "--capability-to-export" : "--capability";
  const [field = "", limit] = path.split(/[.[]/, 2);
  if (field === "limits")
    return limit === undefined ? path : `${LIMIT_OPTIONS.get(limit) ?? withoutOption} (${path})`;
  if (field === "allowHeaders") return `--allow-header (${path})`;
  if (path.startsWith("allowQuery[")) return `--allow-query-key (${path})`;
  const parts = path.split(".").filter((part) => part !== "hmac");
  return `--${parts.map(kebab).join("-")}`;
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
}

/**
 * Replaces the JSON path of a field at the start of a message, `tls.ca: expected PEM`, by the option for that field. The tables of
 * options follow the same rule.
 */
export function replaceFieldWithOption(message: string, right: string): string {
  const [, path, rest] =
    /^([A-Za-z0-9][\w.[\]-]*|(?:limits\.)?(?:headers|query|requests)[.[].+?)(: .*)$/s.exec(message) ?? [];
  if (path === undefined || rest === undefined) return message;
  return `${optionOf(path, right)}${rest}`;
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

function optionOf(path: string, right: string): string {
  if (path.startsWith("headers.")) return `--header ${path.slice("headers.".length)}`;
  if (path === "capability") return right === "export" ? "--capability-to-export" : "--capability";
  const [field = "", limit] = path.split(/[.[]/, 2);
  if (field === "limits") return `${LIMIT_OPTIONS.get(limit ?? "") ?? "--from"} (${path})`;
  if (field === "allowHeaders") return `--allow-header (${path})`;
  if (path.startsWith("allowQuery[")) return `--allow-query-key (${path})`;
  const parts = path.split(".").filter((part) => part !== "hmac");
  return `--${parts.map(kebab).join("-")}`;
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
}

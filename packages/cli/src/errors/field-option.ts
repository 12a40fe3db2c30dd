/**
 * Replaces the JSON path of a field at the start of a message, `tls.ca: expected PEM`, by the option for that field. The tables of
 * options follow the same rule.
 */
export function replaceFieldWithOption(message: string, right: string): string {
  const [, path, rest] = /^([A-Za-z0-9][\w.-]*|headers\..+?)(: .*)$/s.exec(message) ?? [];
  if (path === undefined || rest === undefined) return message;
  return `${optionOf(path, right)}${rest}`;
}

function optionOf(path: string, right: string): string {
  if (path.startsWith("headers.")) return `--header ${path.slice("headers.".length)}`;
  if (path === "capability") return right === "export" ? "--capability-to-export" : "--capability";
  const parts = path.split(".").filter((part) => part !== "hmac");
  return `--${parts.map(kebab).join("-")}`;
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
}

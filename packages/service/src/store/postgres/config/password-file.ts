import type { ConnectionConfig } from "./connection-config.ts";

/** What an entry of a password file must name, or leave open with `*`. */
export type PasswordTarget = Pick<ConnectionConfig, "host" | "port" | "database" | "user">;

/**
 * Finds the password for a connection in the text of a password file of libpq: lines of
 * `hostname:port:database:username:password`, of which the first that fits holds. In a field, `\` quotes a `:` or a `\`.
 */
export function findPassword(text: string, target: PasswordTarget): string | undefined {
  const wanted = fieldsOf(target);
  for (const line of text.split("\n")) {
    if (line.startsWith("#")) continue;
    const [fields, password] = parseLine(line);
    const fits =
      fields.length === wanted.length && fields.every((field, index) => matches(field, wanted[index]));
    if (fits && password !== undefined) return password;
  }
  return undefined;
}

/** How a line for a connection begins, before its password. */
export function passwordLine(target: PasswordTarget): string {
  return fieldsOf(target)
    .map((field) => `${field.replaceAll(/[:\\]/g, "\\$&")}:`)
    .join("");
}

function fieldsOf({ host, port, database, user }: PasswordTarget): readonly string[] {
  // A socket in the default directory has the name of this machine.
  const hostName = DEFAULT_SOCKET_DIRECTORIES.has(host) ? "localhost" : host;
  return [hostName, String(port), database, user];
}

const DEFAULT_SOCKET_DIRECTORIES: ReadonlySet<string> = new Set([
  "/tmp",
  "/var/run/postgresql",
  "/run/postgresql",
]);

const FIELDS = 4;

/** A field, and whether it is a bare `*`: one that is quoted is a name. */
interface Field {
  readonly value: string;
  readonly isAny: boolean;
}

function matches({ value, isAny }: Field, wanted: string | undefined): boolean {
  return isAny || value === wanted;
}

function parseLine(line: string): readonly [fields: readonly Field[], password?: string] {
  const fields: Field[] = [];
  let start = 0;
  let value = "";
  for (let index = 0; index < line.length && fields.length < FIELDS; index += 1) {
    const character = line[index] ?? "";
    if (character === "\\" && index + 1 < line.length) {
      index += 1;
      value += line[index] ?? "";
    } else if (character === ":") {
      fields.push({ value, isAny: line.slice(start, index) === "*" });
      start = index + 1;
      value = "";
    } else value += character;
  }
  if (fields.length < FIELDS) return [fields];
  return [fields, unquote(line.slice(start).replace(/\r$/, ""))];
}

function unquote(text: string): string {
  return text.replaceAll(/\\(.)/g, "$1");
}

import type { Result } from "capability-protocol";
import { err, ok } from "capability-protocol";

/** What a connection can be given, by the names of libpq. */
export type Setting =
  | "host"
  | "port"
  | "dbname"
  | "user"
  | "password"
  | "passfile"
  | "sslmode"
  | "sslrootcert"
  | "sslcert"
  | "sslkey"
  | "connect_timeout";

export type Settings = Readonly<Partial<Record<Setting, string>>>;

/** The variable of each setting, as libpq has them. */
export const VARIABLES: Readonly<Record<Setting, string>> = {
  host: "PGHOST",
  port: "PGPORT",
  dbname: "PGDATABASE",
  user: "PGUSER",
  password: "PGPASSWORD",
  passfile: "PGPASSFILE",
  sslmode: "PGSSLMODE",
  sslrootcert: "PGSSLROOTCERT",
  sslcert: "PGSSLCERT",
  sslkey: "PGSSLKEY",
  connect_timeout: "PGCONNECT_TIMEOUT",
};

/** An unencoded character of a password has ended it, and what follows must not be taken for the name of a host. */
const ENCODE = "its URL: write / ? # % @ in the password as %2F %3F %23 %25 %40";

const SCHEMES = ["postgres://", "postgresql://"];

/**
 * Parses `postgres://[user[:password]@][host][:port][/database][?setting=value&…]`, which is what libpq takes, for one host. Not by
 * the rules of the web, which have no socket directories as hosts.
 *
 * @returns what is wrong, without any part of the text: it may hold a password in any place.
 */
export function parseConnectionUrl(text: string): Result<Settings, string> {
  const scheme = SCHEMES.find((known) => text.startsWith(known));
  if (scheme === undefined) return err("expected postgres://…");
  const [beforeQuery, query] = splitOnce(text.slice(scheme.length), "?");
  const [authority, database] = splitOnce(beforeQuery, "/");
  if (database.includes("@")) return err(ENCODE);
  const at = authority.lastIndexOf("@");
  const [user, password] = splitOnce(authority.slice(0, Math.max(0, at)), ":");
  const place = parsePlace(authority.slice(at + 1));
  if (!place.ok) return place;
  if (query.includes("@") && !query.includes("=")) return err(ENCODE);
  const parameters = parseParameters(query);
  if (!parameters.ok) return parameters;
  const parts = decodeAll({ ...place.value, user, password, dbname: database });
  return parts === undefined
    ? err(`expected two hexadecimal digits after each % of ${ENCODE}`)
    : ok({ ...parts, ...parameters.value });
}

function parsePlace(text: string): Result<{ readonly host: string; readonly port: string }, string> {
  if (text.includes(",")) return err("expected one host: a store has one primary");
  if (!text.startsWith("[")) {
    const [host, port] = splitOnce(text, ":");
    return /^\d*$/.test(port) ? ok({ host, port }) : err(ENCODE);
  }
  const end = text.indexOf("]");
  const rest = text.slice(end + 1);
  if (end === -1 || (rest !== "" && !rest.startsWith(":")))
    return err("expected an IPv6 address as [address] or [address]:port");
  return ok({ host: text.slice(1, end), port: rest.slice(1) });
}

function parseParameters(query: string): Result<Settings, string> {
  const settings: Partial<Record<Setting, string>> = {};
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const [name, value] = splitOnce(pair, "=");
    if (!isSetting(name))
      return err(`its URL has an unknown parameter: expected ${Object.keys(VARIABLES).join(", ")}`);
    if (settings[name] !== undefined) return err(`its URL has ${name} twice`);
    const decoded = decode(value);
    if (decoded === undefined) return err("expected two hexadecimal digits after each % of its URL");
    settings[name] = decoded;
  }
  return ok(settings);
}

export function isSetting(name: string): name is Setting {
  return Object.hasOwn(VARIABLES, name);
}

/** @returns the parts that are not empty, or nothing if one cannot be decoded. */
function decodeAll(
  parts: Readonly<Record<"host" | "port" | "user" | "password" | "dbname", string>>,
): Settings | undefined {
  const entries = Object.entries(parts).flatMap(([name, value]) =>
    value === "" ? [] : [[name, decode(value)]],
  );
  return entries.some(([, value]) => value === undefined) ? undefined : Object.fromEntries(entries);
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** @returns the text before the separator, and what follows it; all and nothing if it has none. */
function splitOnce(text: string, separator: string): readonly [string, string] {
  const index = text.indexOf(separator);
  return index === -1 ? [text, ""] : [text.slice(0, index), text.slice(index + separator.length)];
}

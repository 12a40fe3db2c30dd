import type { Result } from "capability-protocol";
import { err, ok } from "capability-protocol";
import type { ConnectionConfig, SslMode } from "./connection-config.ts";
import type { Setting, Settings } from "./connection-url.ts";
import { isSetting, parseConnectionUrl, VARIABLES } from "./connection-url.ts";

/** Where a URL was given. The command line of a process can be read by every user of the machine, its variables cannot. */
export type UrlSource = "command line" | "variable";

/** What was configured, with paths where a connection needs the contents of files. */
export interface ConnectionSettings extends Pick<
  ConnectionConfig,
  "host" | "port" | "database" | "user" | "password" | "sslMode" | "connectTimeoutMs"
> {
  /** Where the password was given. Absent: there is none, or it is in a file. */
  readonly passwordSource?: PasswordSource;
  readonly passwordFile?: PasswordFile;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** The one of the URL is used if there is one in the variable too, as in libpq. */
export type PasswordSource = "URL" | "variable";

export interface PasswordFile {
  readonly path: string;
  /** The one in the home directory need not be there. */
  readonly isOptional: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The variables of libpq 18 that would change what is connected to, or how safely, and that are not supported: to leave one out
 * silently would be a lie. Those of the session and of messages are ignored: PGAPPNAME, PGCLIENTENCODING, PGDATESTYLE, PGTZ, PGGEQO,
 * PGSYSCONFDIR, PGLOCALEDIR, PGOAUTHDEBUG, and PGSSLCOMPRESSION, which libpq ignores too.
 */
const UNSUPPORTED_VARIABLES: readonly string[] = [
  "PGHOSTADDR",
  "PGSERVICE",
  "PGSERVICEFILE",
  "PGOPTIONS",
  "PGLOADBALANCEHOSTS",
  "PGREQUIREPEER",
  "PGMINPROTOCOLVERSION",
  "PGMAXPROTOCOLVERSION",
  "PGTARGETSESSIONATTRS",
  "PGREQUIREAUTH",
  "PGCHANNELBINDING",
  "PGGSSENCMODE",
  "PGGSSDELEGATION",
  "PGGSSLIB",
  "PGKRBSRVNAME",
  "PGREQUIRESSL",
  "PGSSLCRL",
  "PGSSLCRLDIR",
  "PGSSLNEGOTIATION",
  "PGSSLCERTMODE",
  "PGSSLSNI",
  "PGSSLMINPROTOCOLVERSION",
  "PGSSLMAXPROTOCOLVERSION",
];

const PASSWORD_VARIABLES = `the variable ${VARIABLES.password}, or a file that ${VARIABLES.passfile} names`;

const DEFAULT_CONNECT_TIMEOUT_SECONDS = "5";
const MAX_CONNECT_TIMEOUT_SECONDS = 600;

/**
 * Decides how to connect, from a URL and the variables of libpq. What the URL says takes precedence.
 *
 * @returns what is wrong, without any value: each may hold a password that was put in the wrong place.
 */
export function parseConnectionSettings(
  url: string,
  source: UrlSource,
  environment: Environment,
): Result<ConnectionSettings, string> {
  const parsed = parseConnectionUrl(url);
  if (!parsed.ok) return parsed;
  if (source === "command line" && parsed.value.password !== undefined)
    return err(
      `its URL has a password, which other users of this machine can read: use ${PASSWORD_VARIABLES}`,
    );
  const unsupported = UNSUPPORTED_VARIABLES.find((name) => (environment[name] ?? "") !== "");
  if (unsupported !== undefined) return err(`the variable ${unsupported} is not supported: remove it`);

  const settings: Settings = { ...settingsOf(environment), ...parsed.value };
  const { host = "localhost", user, passfile } = settings;
  if (user === undefined) return err(`expected a user in its URL, or in the variable ${VARIABLES.user}`);
  const numbers = parseNumbers(settings);
  if (!numbers.ok) return numbers;
  const tls = parseTls(settings, host);
  if (!tls.ok) return tls;
  const home = environment["HOME"] ?? "";
  const passwordFile =
    passfile === undefined
      ? { path: `${home}/.pgpass`, isOptional: true }
      : { path: passfile, isOptional: false };
  const hasFile = settings.password === undefined && (passfile !== undefined || home !== "");
  return ok({
    host,
    user,
    database: settings.dbname ?? user,
    ...numbers.value,
    ...tls.value,
    ...passwordOf(parsed.value, settings),
    ...(hasFile ? { passwordFile } : {}),
  });
}

function passwordOf(
  url: Settings,
  { password }: Settings,
): Pick<ConnectionSettings, "password" | "passwordSource"> {
  if (password === undefined) return {};
  return { password, passwordSource: url.password === undefined ? "variable" : "URL" };
}

function settingsOf(environment: Environment): Settings {
  const settings: Partial<Record<Setting, string>> = {};
  for (const name of Object.keys(VARIABLES).filter(isSetting)) {
    const value = environment[VARIABLES[name]];
    // An empty one counts as not set, as in libpq.
    if (value !== undefined && value !== "") settings[name] = value;
  }
  return settings;
}

function parseNumbers({
  port = "5432",
  connect_timeout: seconds = DEFAULT_CONNECT_TIMEOUT_SECONDS,
}: Settings): Result<Pick<ConnectionSettings, "port" | "connectTimeoutMs">, string> {
  if (!isWholeNumber(port, 65_535)) return err("port: expected a number from 1 to 65535");
  if (!isWholeNumber(seconds, MAX_CONNECT_TIMEOUT_SECONDS))
    return err(`connect_timeout: expected 1 to ${MAX_CONNECT_TIMEOUT_SECONDS} seconds`);
  return ok({ port: Number(port), connectTimeoutMs: Number(seconds) * 1_000 });
}

function isWholeNumber(text: string, max: number): boolean {
  return /^[1-9][0-9]{0,4}$/.test(text) && Number(text) <= max;
}

type TlsSettings = Pick<ConnectionSettings, "sslMode" | "caFile" | "certFile" | "keyFile">;

/** The word for the CAs of the system instead of a file, as in libpq. Here it is those of Node, and the default. */
const SYSTEM_CAS = "system";

function parseTls(
  { sslmode, sslrootcert, sslcert, sslkey }: Settings,
  host: string,
): Result<TlsSettings, string> {
  const mode = parseSslMode(sslmode, host);
  if (!mode.ok) return mode;
  const caFile = sslrootcert === SYSTEM_CAS ? undefined : sslrootcert;
  if (mode.value === "verify-ca" && caFile === undefined)
    return err(
      "sslmode=verify-ca: expected a CA in sslrootcert, since anyone gets a certificate of a public one",
    );
  if (mode.value === "require" && sslrootcert === SYSTEM_CAS)
    return err("sslrootcert=system: expected sslmode=verify-full with it");
  if ((sslcert === undefined) !== (sslkey === undefined))
    return err("expected both of sslcert and sslkey, or neither");
  return ok({
    sslMode: mode.value,
    ...(caFile === undefined ? {} : { caFile }),
    ...(sslcert === undefined ? {} : { certFile: sslcert }),
    ...(sslkey === undefined ? {} : { keyFile: sslkey }),
  });
}

/** Without a mode, what leaves this machine is encrypted and its receiver verified. libpq would send it to anyone, unencrypted. */
function parseSslMode(text: string | undefined, host: string): Result<SslMode, string> {
  // A Unix socket has no TLS, whatever the mode, as in libpq.
  if (isUnixSocket(host)) return ok("disable");
  switch (text) {
    case undefined:
      return ok(isLoopback(host) ? "disable" : "verify-full");
    case "disable":
    case "require":
    case "verify-ca":
    case "verify-full":
      return ok(text);
    case "allow":
    case "prefer":
      return err(
        "sslmode: expected disable, require, verify-ca or verify-full; allow and prefer may send without TLS",
      );
    default:
      return err("sslmode: expected disable, require, verify-ca or verify-full");
  }
}

/** Whether a host is the directory of a Unix socket, as in libpq. */
export function isUnixSocket(host: string): boolean {
  return host.startsWith("/");
}

/** Whether a host is this machine, by its name or its address. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}$/.test(host);
}

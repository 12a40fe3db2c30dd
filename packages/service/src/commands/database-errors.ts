import { readFileSync } from "node:fs";
import { errorCode } from "../error-code.ts";
import { StoreBusyError } from "../store/store.ts";
import type { ConnectionSettings, PasswordFile } from "../store/postgres/config/connection-settings.ts";
import { findPassword, passwordLine } from "../store/postgres/config/password-file.ts";
import { IS_STANDBY } from "../store/postgres/server-check.ts";
import { SQLSTATE } from "../store/postgres/sqlstate.ts";

type Settings = Pick<
  ConnectionSettings,
  "host" | "port" | "database" | "user" | "sslMode" | "passwordSource" | "passwordFile"
>;

type Explain = (settings: Settings) => string;

const SQLSTATE_FORM = /^[0-9A-Z]{5}$/;

/** Codes of the driver, of Node and OpenSSL, and of the operating system. */
const SYSTEM_CODE =
  /^(?:E[A-Z0-9]{2,14}|EAI_[A-Z]{4,10}|(?:CONNECT|CONNECTION|ERR|CERT|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED)_[A-Z0-9_]{1,40}|PASSWORD_IN_CLEAR|AUTHENTICATION_INVALID)$/;

/** What to do about an error of the network or of TLS, by its code. */
const CONNECTION_ADVICE: readonly (readonly [codes: RegExp, explain: Explain])[] = [
  [
    /^(?:ECONNREFUSED|ENOENT|EACCES)$/,
    (at) => `no server listens at ${placeOf(at)}: is it running there, and for this network?`,
  ],
  [
    /^(?:CONNECT_TIMEOUT|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/,
    (at) => `no server responds at ${placeOf(at)}: is it running, and may this machine reach it?`,
  ],
  [
    /^(?:ECONNRESET|EPIPE|CONNECTION_CLOSED)$/,
    (at) =>
      `the server at ${placeOf(at)} ended the connection: is it PostgreSQL${at.sslMode === "disable" ? "" : `, and does it offer TLS (sslmode=${at.sslMode})`}?`,
  ],
  [/^(?:ENOTFOUND|EAI_AGAIN)$/, ({ host }) => `cannot resolve the name ${host}`],
  [
    /^PASSWORD_IN_CLEAR$/,
    (at) =>
      `the server at ${placeOf(at)} asks for the password itself, and TLS does not show who it is: set sslmode to verify-full, or scram-sha-256 in pg_hba.conf`,
  ],
  [
    /^AUTHENTICATION_INVALID$/,
    (at) =>
      `the server at ${placeOf(at)} asks who the user is in a way that is not supported: is it PostgreSQL?`,
  ],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    ({ host }) =>
      `the server's certificate is not for ${host}: name it as the certificate does, since sslmode is verify-full`,
  ],
  [
    /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/,
    () => "the server's certificate is not trusted: name the file of its CA in sslrootcert",
  ],
];

/** What to do about a user without the rights to make a store, or to write to it. The schema may be there and be another user's. */
export function mayNotWrite({ user, database }: Pick<Settings, "user" | "database">): string {
  return `the user ${user} may not write: let it own the schema membrane with its tables, or without that schema, GRANT CREATE ON DATABASE ${database} TO ${user}`;
}

const isStartingOrStopping: Explain = () => "the server starts or stops: try again";

/** What to do about an error of the server. */
const SERVER_ADVICE: ReadonlyMap<string, Explain> = new Map<string, Explain>([
  [
    SQLSTATE.invalidPassword,
    (at) => {
      const missing = missingPasswordAdvice(at);
      return missing === undefined
        ? `the server refused the password of the user ${at.user}: ${passwordAdvice(at)}`
        : `no password was given for the user ${at.user}: ${missing}`;
    },
  ],
  [
    SQLSTATE.invalidAuthorizationSpecification,
    ({ user, database }) =>
      `the server does not let the user ${user} connect to the database ${database} from this machine: allow it in pg_hba.conf, and check whether it demands TLS (sslmode)`,
  ],
  [
    SQLSTATE.invalidCatalogName,
    ({ database }) => `there is no database ${database}: create it, or name another one`,
  ],
  [SQLSTATE.insufficientPrivilege, mayNotWrite],
  [SQLSTATE.readOnlySqlTransaction, () => IS_STANDBY],
  [
    SQLSTATE.tooManyConnections,
    ({ user, database }) =>
      `the server has no connection left for the user ${user}: raise max_connections, or the CONNECTION LIMIT of the role or of the database ${database}`,
  ],
  [SQLSTATE.lockNotAvailable, () => "another node or a move holds the schema: try again"],
  [SQLSTATE.adminShutdown, isStartingOrStopping],
  [SQLSTATE.crashShutdown, isStartingOrStopping],
  [SQLSTATE.cannotConnectNow, isStartingOrStopping],
]);

/**
 * Explains why a database cannot be used, with what to do about it. Of the error only the code is used: a message of the server may
 * quote what it was sent.
 */
export function explainDatabaseError(settings: Settings, error: unknown): string {
  // The error of the store has the driver's, or the server's, as its cause.
  const given = errorCode(error instanceof Error ? (error.cause ?? error) : error);
  if (error instanceof StoreBusyError && error.cause === undefined)
    return `${placeOf(settings)}: ${error.message}`;
  const code = knownCode(given);
  if (code === undefined) return `the database ${settings.database} at ${placeOf(settings)} cannot be used`;
  if (code === SQLSTATE.insufficientPrivilege && !mayLackRights(error)) {
    const { user, database } = settings;
    return `the user ${user} may not connect to the database ${database}: GRANT CONNECT ON DATABASE ${database} TO ${user} (${code})`;
  }
  const explain = SERVER_ADVICE.get(code) ?? CONNECTION_ADVICE.find(([codes]) => codes.test(code))?.[1];
  return explain === undefined
    ? `the database ${settings.database} at ${placeOf(settings)} cannot be used (${code})`
    : `${explain(settings)} (${code})`;
}

/** Whether the server refused a statement for the rights of the user. */
export function mayLackRights(error: unknown): boolean {
  const code = errorCode(error instanceof Error ? (error.cause ?? error) : error);
  return code === SQLSTATE.insufficientPrivilege && !endsConnection(error);
}

/** What to do if no place gives a password: the file in the home directory need not be there, and a file may have no line that fits. */
function missingPasswordAdvice(settings: Settings): string | undefined {
  const { passwordSource, passwordFile } = settings;
  if (passwordSource !== undefined) return undefined;
  const text = passwordFile && readPasswordFile(passwordFile.path);
  if (passwordFile === undefined || text === undefined) return SET_PASSWORD;
  return findPassword(text, settings) === undefined
    ? `the file ${nameOf(passwordFile)} has no line that begins with ${passwordLine(settings)} or with * for any of its parts: add one, or set the variable PGPASSWORD`
    : undefined;
}

const SET_PASSWORD = "set the variable PGPASSWORD, or name a file in PGPASSFILE";

function nameOf({ path, isOptional }: PasswordFile): string {
  return isOptional ? path : `${path}, which PGPASSFILE or passfile names,`;
}

/** @returns nothing if it is not there, or cannot be read. */
function readPasswordFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** The code, if it is an SQLSTATE or one of the driver or the system: a server can send any text in its place. */
function knownCode(code: string | undefined): string | undefined {
  return code !== undefined && (SQLSTATE_FORM.test(code) || SYSTEM_CODE.test(code)) ? code : undefined;
}

/** Where the password came from, or would have come from. */
function passwordAdvice(settings: Settings): string {
  const { passwordSource, passwordFile } = settings;
  if (passwordSource === "variable") return "check the variable PGPASSWORD";
  if (passwordSource === "URL") return "check the one in its URL, which is used whatever PGPASSWORD says";
  return passwordFile === undefined
    ? SET_PASSWORD
    : `check the line for ${passwordLine(settings)} in the file ${passwordFile.path}, or set the variable PGPASSWORD`;
}

/** Whether the server refused a connection, and not a statement. */
function endsConnection(error: unknown): boolean {
  const reason = error instanceof Error ? (error.cause ?? error) : error;
  return typeof reason === "object" && reason !== null && "severity" in reason && reason.severity === "FATAL";
}

function placeOf({ host, port }: Settings): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

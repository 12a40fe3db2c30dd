import { connect as connectSocket } from "node:net";
import type { Socket } from "node:net";
import type { Notice } from "postgres";
import { StoreBusyError, StoreFailedError } from "../store.ts";
import { guardAuthentication } from "./authentication-guard.ts";
import type { BackendKey } from "./cancel-request.ts";
import { backendOf, requestCancel } from "./cancel-request.ts";
import type { ConnectionConfig } from "./config/connection-config.ts";
import { postgres } from "./driver.ts";
import { isOutdated, withoutPlan } from "./postgres-errors.ts";
import { lastRows, withoutHoles } from "./result-rows.ts";
import { serverAddress } from "./server-address.ts";
import { aloneStatement, beginAlone, beginStatement, sessionStatement } from "./session-settings.ts";
import type { Row } from "./sql-values.ts";
import { withLiterals } from "./sql-values.ts";
import { tlsOptions } from "./tls-options.ts";

export type Parameter = string | number | boolean | Buffer | null;

export interface Statement {
  readonly text: string;
  readonly parameters: readonly Parameter[];
}

/** One connection to the server, which is never made again: a lost one is replaced, and with it the transaction that it had. */
export interface Connection {
  readonly isClosed: boolean;
  /** Sends a statement after those that have no result yet, without waiting for them. */
  query(text: string, parameters?: readonly Parameter[]): Promise<readonly Row[]>;
  /**
   * Runs one statement as a transaction, on a connection on which nothing else is sent until it has its result. Behind a pooler
   * its parameters are numbers, UUIDs and lists of these.
   *
   * @throws StoreFailedError if the server warned, as {@link commit}.
   */
  execute(text: string, parameters: readonly Parameter[]): Promise<readonly Row[]>;
  /**
   * Whether the server process that carries out a statement is another than the one that the connection was greeted by: a pooler is
   * in between.
   */
  isPooled(): Promise<boolean>;
  /** Runs statements in one transaction. What `run` throws undoes it. */
  transaction<T>(run: () => Promise<T>): Promise<T>;
  /** Begins a transaction; the next statements need not wait for it. */
  begin(): Promise<void>;
  /**
   * @throws StoreFailedError if the server did not commit, or warned that a standby may not have the commit: it is not durable.
   * @throws StoreBusyError if the server is stopped meanwhile: it may be durable.
   */
  commit(): Promise<void>;
  rollback(): Promise<void>;
  /** Ends it at once. What has no result yet fails, and may still take effect. */
  destroy(): void;
  /**
   * Ends it, and asks the server to cancel what it still carries out: a process of it that waits for a standby does not notice that its
   * client has gone. A statement that was cancelled so has taken effect, and the standby may not have it.
   */
  abandon(): void;
  /** Ends it when all statements have their results, or after a second. */
  close(): Promise<void>;
}

/** What a connection tells its owner. */
export interface ConnectionEvents {
  /** The server notified a channel that the connection listens to. */
  readonly onNotification?: () => void;
  /** The connection was lost: its owner has not ended it. One that cannot be made only fails what is sent. */
  readonly onLost?: () => void;
}

const CLOSE_TIMEOUT_SECONDS = 1;

export interface ConnectionOptions extends ConnectionEvents {
  /** Whether a pooler may carry out each transaction in another session of the server. */
  readonly isPooled?: boolean;
}

/** @param transactionTimeoutMs no transaction waits longer for its client or for a lock, in milliseconds. */
export function openConnection(
  config: ConnectionConfig,
  transactionTimeoutMs: number,
  { onNotification, onLost, isPooled = false }: ConnectionOptions = {},
): Connection {
  let socket: Socket | undefined;
  let isClosed = false;
  /** The codes of warnings since the commit was sent, or the statement that is a transaction. */
  const warnings: string[] = [];

  /** The driver would connect again after a loss, and send the rest of a transaction outside of it. */
  const openOnce = (): Socket => {
    if (socket !== undefined || isClosed) throw connectionClosed();
    socket = connectSocket(serverAddress(config));
    if (config.sslMode === "disable") guardAuthentication(socket, () => (mayProve = false));
    return socket;
  };
  /** Whether the driver may prove who the user is, which it would do whenever it is asked. */
  let mayProve = true;
  let discarded: Promise<void> | undefined;
  const discard = (): void => {
    isClosed = true;
    discarded ??= sql.end({ timeout: 0 });
  };
  const destroy = (): void => {
    discard();
    // After the driver has written its Terminate message: nothing handles the error of writing it over TLS to a closed socket.
    void discarded?.then(() => socket?.destroy());
  };
  const end = async (): Promise<void> => {
    await sql.end({ timeout: CLOSE_TIMEOUT_SECONDS });
    // The driver waits for the server to close it, which may have gone without a word.
    socket?.destroy();
  };
  const options = {
    ...driverOptions(config),
    // The driver waits for ever for a password that it does not get.
    password: () => (mayProve ? (config.password ?? "") : new Promise<string>(() => undefined)),
    socket: openOnce,
    onclose: () => {
      if (isClosed) return;
      discard();
      onLost?.();
    },
    onnotify: onNotification,
    onnotice: ({ severity, code }: Notice) => {
      if (severity === "WARNING") warnings.push(String(code));
    },
  };
  const sql = postgres(options);

  /** Why there is no connection, which only the first statement gets from the driver. */
  let failure: unknown;
  const send = async (text: string, parameters: readonly Parameter[]) => {
    // A later transaction could be in a session that does not have the statement, or has another one of its name.
    const prepare = parameters.length > 0 && !isPooled;
    try {
      if (isClosed) throw connectionClosed();
      const sent = sql.unsafe<Row[]>(text, [...parameters], { prepare });
      // Without a session the driver would let it wait for ever.
      const [rows] = await Promise.all([sent, session]);
      return withoutHoles(rows);
    } catch (error) {
      // The driver would use the same prepared statement again.
      if (isOutdated(error)) destroy();
      throw failure ?? (prepare ? error : withoutPlan(error));
    }
  };
  /** Whether what is sent next is in a transaction. */
  let isInTransaction = false;
  const begin: Connection["begin"] = async () => {
    isInTransaction = true;
    await send(beginStatement(transactionTimeoutMs, isPooled), []);
  };
  const endTransaction = (text: "COMMIT" | "ROLLBACK") => {
    isInTransaction = false;
    return send(text, []);
  };
  const query: Connection["query"] = async (text, parameters = []) => {
    if (!isPooled || isInTransaction) return send(text, parameters);
    const sent = [
      send(beginAlone(transactionTimeoutMs), []),
      send(text, parameters),
      send("COMMIT", []),
    ] as const;
    const [, rows] = await Promise.all(sent);
    return rows;
  };
  const rollback: Connection["rollback"] = async () => void (await endTransaction("ROLLBACK"));
  const commit: Connection["commit"] = async () => {
    warnings.splice(0);
    const { command } = await endTransaction("COMMIT");
    // A transaction in which a statement failed ends so.
    if (command !== "COMMIT") throw new StoreFailedError("the transaction was rolled back");
    assertDurable("the commit", warnings);
  };
  /** The process of the server, once it is known. */
  let backend: BackendKey | undefined;
  const session = sql.unsafe(sessionStatement(transactionTimeoutMs, isPooled)).then((results) => {
    backend = backendOf(results);
  });
  session.catch((error: unknown) => {
    failure = error;
    // After an end before the login the driver would keep open what it never connects again.
    discard();
  });
  return {
    get isClosed() {
      return isClosed;
    },
    query,
    async execute(text, parameters) {
      // The server may warn of other things while it connects.
      await session;
      warnings.splice(0);
      const rows = isPooled
        ? lastRows(await send(aloneStatement(withLiterals(text, parameters)), []))
        : await send(text, parameters);
      assertDurable("the statement", warnings);
      return rows;
    },
    async isPooled() {
      const { state, 0: row } = await send("SELECT pg_catalog.pg_backend_pid() AS pid", []);
      return row?.["pid"] !== state.pid;
    },
    begin,
    commit,
    rollback,
    async transaction(run) {
      try {
        await begin();
        const value = await run();
        await commit();
        return value;
      } catch (error) {
        await rollback().catch(discard);
        throw error;
      }
    },
    destroy,
    abandon() {
      if (isClosed || backend === undefined) return destroy();
      isClosed = true;
      // A pooler passes the request on only while its client is there.
      void requestCancel(config, backend).then(end);
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      await end();
    },
  };
}

/** All options that the driver would otherwise look up in the environment. */
function driverOptions(config: ConnectionConfig) {
  const { host, port, database, user, connectTimeoutMs } = config;
  return {
    host,
    port,
    database,
    user,
    ssl: tlsOptions(config) ?? false,
    sslnegotiation: null,
    connection: { application_name: "membrane" },
    connect_timeout: connectTimeoutMs / 1_000,
    // One connection, for as long as it lasts.
    max: 1,
    idle_timeout: 0,
    max_lifetime: null,
    backoff: false,
    keep_alive: 30,
    max_pipeline: 100,
    prepare: true,
    fetch_types: false,
    debug: false,
    publications: "",
  };
}

/**
 * A server that is stopped at once warns of that (class 57P0) on its connections, perhaps after a result that is on disk. Other
 * warnings of a commit say that it is not.
 *
 * @throws StoreBusyError if the server is stopped, StoreFailedError for another warning.
 */
function assertDurable(what: string, warnings: readonly string[]): void {
  if (warnings.length === 0) return;
  const text = `${what} had the warning ${warnings.join()}`;
  throw warnings.every((code) => code.startsWith("57P0"))
    ? new StoreBusyError(text)
    : new StoreFailedError(text);
}

/** As the driver's own. */
function connectionClosed(): Error {
  return Object.assign(new Error("the connection is closed"), { code: "CONNECTION_CLOSED" });
}

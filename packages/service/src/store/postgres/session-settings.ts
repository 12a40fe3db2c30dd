/**
 * What the engine is correct with, whatever the server, the database or the user has as a default:
 *
 * - Names mean those of PostgreSQL: others may create functions in schema `public`, which run with the rights of the service.
 * - A row that a policy would hide from the service is an error: a revoke would not wait for the node of a hidden lease.
 * - Warnings arrive: one says that a commit is not durable.
 * - A commit waits for the disk and for a synchronous standby, and no timeout cancels it.
 * - Values have the form that they are read in.
 */
const CORRECT: readonly string[] = [
  "search_path TO pg_catalog, pg_temp",
  "row_security TO off",
  "client_min_messages TO warning",
  "synchronous_commit TO on",
  "statement_timeout TO 0",
  "bytea_output TO hex",
  "array_nulls TO on",
  "extra_float_digits TO 1",
];

const NO_LOCK_TIMEOUT = "lock_timeout TO 0";

/** In a transaction they are those of {@link beginStatement}. The server must not end a session either that waits for work. */
const UNLIMITED: readonly string[] = [NO_LOCK_TIMEOUT, "idle_session_timeout TO 0"];

/** The server notices within ten seconds, instead of two hours, that the machine of a client has gone or is not reached. */
const KEEPALIVES: readonly string[] = [
  "tcp_keepalives_idle TO 5",
  "tcp_keepalives_interval TO 1",
  "tcp_keepalives_count TO 5",
  "tcp_user_timeout TO 10000",
];

/**
 * Plans are made once for a connection: a plan for each lineage costs more than it saves. The planner overestimates how many rows
 * a recursive query finds: it would compile the plan, which takes longer than to run it, and read whole tables, which grow. Every
 * statement finds its rows by their keys.
 */
const PLANNING: readonly string[] = [
  "plan_cache_mode TO force_generic_plan",
  "jit TO off",
  ...["seqscan", "hashjoin", "mergejoin"].map((method) => `enable_${method} TO off`),
];

/** For statements that are transactions. */
const TRANSACTIONS = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE";

/** A transaction may last twice the time for a lock, so that a wait for one ends with its own error, and the session goes on. */
const TRANSACTION_TIMEOUT_FACTOR = 2;

/**
 * Ends a session whose transaction lasts longer, from PostgreSQL 17 on. A client that stops between the messages of one statement,
 * which the driver sends in two parts when it is first used, keeps its locks, and the server does not call that idle. A commit that
 * waits for a standby may last longer.
 *
 * @param timeoutMs that for a lock; 0 for no limit.
 */
export function transactionTimeout(timeoutMs: number, scope: "session" | "transaction"): string {
  return `
  SELECT pg_catalog.set_config('transaction_timeout', '${TRANSACTION_TIMEOUT_FACTOR * timeoutMs}', ${scope === "transaction"})
  WHERE pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL`;
}

/** Sent first on a connection. Behind a pooler it only connects: the session of the server serves other programs too. */
export function sessionStatement(timeoutMs: number, isPooled: boolean): string {
  return isPooled
    ? "SELECT"
    : [
        TRANSACTIONS,
        ...[...CORRECT, ...UNLIMITED, ...KEEPALIVES, ...PLANNING].map((setting) => `SET ${setting}`),
        transactionTimeout(timeoutMs, "session"),
      ].join("; ");
}

/**
 * Begins a transaction of one statement that only reads, behind a pooler. A standby, which is asked too, refuses `READ WRITE`. The
 * timeout ends the transaction of a client that has disappeared.
 */
export function beginAlone(timeoutMs: number): string {
  return [
    "BEGIN ISOLATION LEVEL READ COMMITTED",
    ...local([...CORRECT, ...PLANNING, NO_LOCK_TIMEOUT]),
    `SET LOCAL idle_in_transaction_session_timeout TO ${timeoutMs}`,
    transactionTimeout(timeoutMs, "transaction"),
  ].join("; ");
}

/**
 * One statement as a transaction, behind a pooler: the server carries out all of this message, or nothing, before it waits for the
 * client again. So no lock outlives the statement, and a client that stops keeps no session.
 */
export function aloneStatement(text: string): string {
  const transaction = "TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE";
  return [
    ...local([transaction, ...CORRECT, ...PLANNING, NO_LOCK_TIMEOUT]),
    transactionTimeout(0, "transaction"),
    text,
  ].join("; ");
}

/**
 * Begins a transaction. What is correct is set although the session has it: a pooler may have been put in front of the server
 * meanwhile. The timeouts end the transaction of a client that has disappeared, with its locks.
 */
export function beginStatement(timeoutMs: number, isPooled: boolean): string {
  return [
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
    ...local(CORRECT),
    `SET LOCAL lock_timeout TO ${timeoutMs}`,
    `SET LOCAL idle_in_transaction_session_timeout TO ${timeoutMs}`,
    ...(isPooled ? [...local(PLANNING), transactionTimeout(timeoutMs, "transaction")] : []),
  ].join("; ");
}

function local(settings: readonly string[]): string[] {
  return settings.map((setting) => `SET LOCAL ${setting}`);
}

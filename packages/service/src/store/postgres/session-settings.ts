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

/** For statements that are transactions, whatever the defaults of the database or the user are. */
const TRANSACTIONS = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE";

/** Sent first on a connection. Behind a pooler it only connects: the session of the server serves other programs too. */
export function sessionStatement(isPooled: boolean): string {
  return isPooled ? "SELECT" : [TRANSACTIONS, ...PLANNING.map((setting) => `SET ${setting}`)].join("; ");
}

const DURABLE = "SET LOCAL synchronous_commit TO on";

/** Begins a transaction of one statement that needs no locks, behind a pooler. A standby refuses `READ WRITE`. */
export const BEGIN_ALONE: string = [
  "BEGIN ISOLATION LEVEL READ COMMITTED",
  DURABLE,
  ...PLANNING.map((setting) => `SET LOCAL ${setting}`),
].join("; ");

/**
 * The isolation level and the durability are those that the engine is correct with, whatever the server, the database or the user
 * has as a default. The timeouts end the transaction of a client that has disappeared, with its locks. No `statement_timeout`: it
 * could cancel a commit that waits for a standby.
 */
export function beginStatement(timeoutMs: number, isPooled: boolean): string {
  return [
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
    DURABLE,
    `SET LOCAL lock_timeout TO ${timeoutMs}`,
    `SET LOCAL idle_in_transaction_session_timeout TO ${timeoutMs}`,
    ...(isPooled ? PLANNING.map((setting) => `SET LOCAL ${setting}`) : []),
  ].join("; ");
}

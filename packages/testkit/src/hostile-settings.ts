/** Values that an operator may have set for the user or the database, and that change what statements mean. */
export const HOSTILE_VALUES: Readonly<Record<string, string>> = {
  search_path: "public, pg_catalog",
  row_security: "on",
  client_min_messages: "error",
  synchronous_commit: "off",
  bytea_output: "escape",
  array_nulls: "off",
  extra_float_digits: "-15",
  default_transaction_isolation: "serializable",
  default_transaction_read_only: "on",
  default_transaction_deferrable: "on",
  datestyle: "'SQL, DMY'",
  intervalstyle: "iso_8601",
  timezone: "'Asia/Kathmandu'",
  standard_conforming_strings: "off",
  plan_cache_mode: "force_custom_plan",
  jit: "on",
  enable_indexscan: "off",
};

/** Times in milliseconds after which the server ends a statement, a transaction or a session. */
const HOSTILE_TIMEOUTS: Readonly<Record<string, string>> = {
  statement_timeout: "1000",
  lock_timeout: "1",
  idle_in_transaction_session_timeout: "1000",
  idle_session_timeout: "10000",
};

/** Statements that set them for a user in a database. */
export function hostileSettings(
  { user, database }: Readonly<Record<"user" | "database", string>>,
  settings: Readonly<Record<string, string>> = { ...HOSTILE_VALUES, ...HOSTILE_TIMEOUTS },
): string[] {
  return Object.entries(settings).map(
    ([name, value]) => `ALTER ROLE ${user} IN DATABASE ${database} SET ${name} TO ${value}`,
  );
}

import { expect, test } from "vitest";
import { StoreBusyError, StoreCorruptError, StoreFailedError, StoreFullError } from "../store.ts";
import { isConflict, toStoreError } from "./postgres-errors.ts";

const coded = (code: string): Error => Object.assign(new Error("canary"), { code });

test.each([
  ["CONNECTION_CLOSED", StoreBusyError],
  ["CONNECTION_DESTROYED", StoreBusyError],
  ["CONNECT_TIMEOUT", StoreBusyError],
  ["ECONNREFUSED", StoreBusyError],
  ["ECONNRESET", StoreBusyError],
  ["ETIMEDOUT", StoreBusyError],
  ["ENOTFOUND", StoreBusyError],
  // The Unix socket of a server that restarts.
  ["ENOENT", StoreBusyError],
  ["08006", StoreBusyError],
  // admin_shutdown, cannot_connect_now, out_of_memory, too_many_connections, lock_not_available, query_canceled
  ["57P01", StoreBusyError],
  ["57P03", StoreBusyError],
  ["53200", StoreBusyError],
  ["53300", StoreBusyError],
  ["55P03", StoreBusyError],
  ["57014", StoreBusyError],
  // idle_in_transaction_session_timeout, transaction_timeout, read_only_sql_transaction
  ["25P03", StoreBusyError],
  ["25P04", StoreBusyError],
  ["25006", StoreBusyError],
  // invalid_sql_statement_name: a prepared statement that is lost with its session
  ["26000", StoreBusyError],
  ["40001", StoreBusyError],
  ["40P01", StoreBusyError],
  ["53100", StoreFullError],
  // io_error, data_corrupted, undefined_table
  ["58030", StoreFailedError],
  ["XX001", StoreFailedError],
  ["42P01", StoreFailedError],
])("the code %s is the right error of the port, and its message is not passed on", (code, type) => {
  const error = toStoreError(coded(code));
  expect(error).toBeInstanceOf(type);
  expect(String(error)).toContain(code);
  expect(String(error)).not.toContain("canary");
});

test("an error of the port stays, and so does a fault of the program", () => {
  for (const error of [new StoreCorruptError("row"), new TypeError("fault")])
    expect(toStoreError(error)).toBe(error);
});

test("a write is repeated after a conflict only", () => {
  for (const code of ["23505", "40001", "40P01"]) expect(isConflict(coded(code))).toBe(true);
  for (const code of ["55P03", "CONNECTION_CLOSED", "23502"]) expect(isConflict(coded(code))).toBe(false);
});

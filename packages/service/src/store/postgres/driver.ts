import postgres from "postgres";

/**
 * The driver repeats a prepared statement that the server has forgotten or would plan anew, which it sees by the name of the
 * server's function in the error. It does so after all that was sent meanwhile: after the commit, and so outside of the
 * transaction. Without that name it repeats nothing.
 */
Object.defineProperty(postgres.PostgresError.prototype, "routine", {
  get: () => undefined,
  // The driver assigns the fields of an error.
  set() {},
});

export { postgres };

/** The name of the schema as a number. Of all programs that use the database only this one takes this advisory lock and the next. */
const FIRST_KEY = Buffer.from("membrane").readBigInt64BE();

/** Held by the node that changes the schema. */
export const MIGRATION_LOCK: string = String(FIRST_KEY);

/** Held by the node that sweeps. */
export const SWEEP_LOCK: string = String(FIRST_KEY + 1n);

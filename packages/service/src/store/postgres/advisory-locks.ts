/**
 * Held by the node that changes the schema: before the first change there is no table to lock. It is the name of the schema as a
 * number. Of all programs that use the database only this one takes this advisory lock.
 */
export const MIGRATION_LOCK: string = String(Buffer.from("membrane").readBigInt64BE());

/** The data file of an LMDB environment. */
export const DATA_FILE = "data.mdb";

/** Its lock file, with the table of readers: made when the environment is opened, and no part of a copy. */
export const LOCK_FILE = "lock.mdb";

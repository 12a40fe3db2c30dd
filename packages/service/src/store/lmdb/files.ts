/** The data file of an LMDB environment. */
export const DATA_FILE = "data.mdb";

/** Its lock file, with the table of readers: made when the environment is opened, and no part of a copy. */
export const LOCK_FILE = "lock.mdb";

/** The file of the gate, which is held to open the store and for each commit to it: no part of a copy. */
export const GATE_FILE = "gate.mdb";

/** Its lock file, named by LMDB. */
export const GATE_LOCK_FILE: string = `${GATE_FILE}-lock`;

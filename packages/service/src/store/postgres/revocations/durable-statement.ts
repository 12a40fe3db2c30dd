/**
 * A condition that always holds, and that makes the transaction of its statement wait for the disk and for a synchronous standby. A
 * session's own setting would not: a pooler can give each statement another session.
 */
export const SET_DURABLE = "pg_catalog.set_config('synchronous_commit', 'on', true) = 'on'";

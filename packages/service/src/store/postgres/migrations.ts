/** One step of the schema. Its number is its place in the list, from 1; what was released is never changed. */
export type Migration = readonly string[];

/**
 * The steps that make the schema, oldest first. None takes a long lock on `lease` or `head`, which a serving node needs several
 * times a second.
 *
 * The columns named `body` are the rows of the other engine, byte for byte, with their MACs; the columns before them repeat parts
 * of the row or of its key for indexes. `head`, `log`, `lease` and `lease_length` carry no MAC, since the database changes them
 * itself and has no key.
 */
export const MIGRATIONS: readonly Migration[] = [
  [
    "CREATE TABLE membrane.meta (key text PRIMARY KEY, body bytea NOT NULL)",
    `CREATE TABLE membrane.record (
       uid uuid PRIMARY KEY,
       depends_on uuid[] NOT NULL,
       name_owner uuid,
       name bytea,
       body bytea NOT NULL
     )`,
    "CREATE TABLE membrane.lookup (lookup_id bytea PRIMARY KEY, uid uuid NOT NULL, body bytea NOT NULL)",
    `CREATE TABLE membrane.name (
       owner uuid NOT NULL,
       name bytea NOT NULL,
       holder uuid NOT NULL,
       body bytea NOT NULL,
       PRIMARY KEY (owner, name)
     )`,
    `CREATE TABLE membrane.child (
       uid uuid NOT NULL,
       ignores_revocation boolean NOT NULL,
       child uuid NOT NULL,
       body bytea NOT NULL,
       PRIMARY KEY (uid, ignores_revocation, child)
     )`,
    // Most of these rows are replaced often: free space lets a new version stay in its page, without a new index entry.
    `CREATE TABLE membrane.count (
       uid uuid NOT NULL,
       kind smallint NOT NULL,
       body bytea NOT NULL,
       PRIMARY KEY (uid, kind)
     ) WITH (fillfactor = 50)`,
    "CREATE TABLE membrane.sweep (uid uuid PRIMARY KEY, is_root boolean NOT NULL, body bytea NOT NULL)",
    `CREATE TABLE membrane.expiry (
       expires_at bigint NOT NULL,
       uid uuid NOT NULL,
       body bytea NOT NULL,
       PRIMARY KEY (expires_at, uid)
     )`,
    // One row. A sequence would not do: its numbers are taken before the commit, and in another order.
    `CREATE TABLE membrane.head (
       only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
       position bigint NOT NULL,
       tag uuid NOT NULL
     ) WITH (fillfactor = 10)`,
    `CREATE TABLE membrane.log (
       position bigint PRIMARY KEY,
       tag uuid NOT NULL,
       uid uuid,
       appended_at timestamptz NOT NULL DEFAULT clock_timestamp()
     )`,
    // Vacuum must not truncate it, for which it would lock out every renewal.
    `CREATE TABLE membrane.lease (
       node uuid PRIMARY KEY,
       renewals bigint NOT NULL,
       applied bigint NOT NULL
     ) WITH (fillfactor = 10, vacuum_truncate = off)`,
    // How long a lease is, for all nodes: one row, which changes only while there are none.
    `CREATE TABLE membrane.lease_length (
       only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
       lease_ms int NOT NULL
     )`,
    "INSERT INTO membrane.lease_length (lease_ms) VALUES (1000)",
    `WITH genesis AS (INSERT INTO membrane.head (position, tag) VALUES (0, gen_random_uuid()) RETURNING position, tag)
     INSERT INTO membrane.log (position, tag) SELECT position, tag FROM genesis`,
  ],
  // Where the writers of the audit trail are.
  [
    `CREATE TABLE membrane.audit (
       writer uuid NOT NULL,
       sequence bigint NOT NULL,
       body bytea NOT NULL,
       PRIMARY KEY (writer, sequence)
     )`,
  ],
];

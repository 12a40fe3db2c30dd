import type { Connection } from "./connection.ts";

/**
 * The first of the schema and its tables that belongs to a user whose rights this one does not have. A schema in which this user may
 * make tables need not be its own.
 */
const FOREIGN_OWNER = `
  SELECT format('the %s %s belongs to %I: ALTER %s %s OWNER TO %I', lower(kind), name, pg_get_userbyid(owner),
                kind, name, current_user) AS text
  FROM (
    SELECT 'SCHEMA' AS kind, 'membrane' AS name, nspowner AS owner
    FROM pg_namespace
    WHERE nspname = 'membrane'
      AND NOT (has_schema_privilege(oid, 'CREATE') AND has_schema_privilege(oid, 'USAGE'))
    UNION ALL
    SELECT 'TABLE', format('membrane.%I', relname), relowner
    FROM pg_class
    WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'membrane') AND relkind = 'r'
  ) part
  WHERE NOT pg_has_role(owner, 'USAGE')
  ORDER BY kind, name
  LIMIT 1`;

/** @returns what belongs to another user, and the statement that gives it to this one; nothing if all is this user's. */
export async function findForeignOwner(connection: Connection): Promise<string | undefined> {
  const [row] = await connection.query(FOREIGN_OWNER);
  const text = row?.["text"];
  return typeof text === "string" ? text : undefined;
}

import { SERVICE_OWNER } from "../../domain/quota.ts";
import type { ReadRequest, WriteRequest } from "../engine.ts";
import type { Parameter, Statement } from "./connection.ts";
import type { CountRef } from "./count-ref.ts";
import { bytesRef, countsByText, quotaRef, usesRef } from "./count-ref.ts";
import { byteaArray, plainArray, uuidArray } from "./sql-values.ts";

/*
 * One statement reads all of one moment. It goes from the records that a request names to all that they depend on, with UNION: a
 * lineage is a graph in which paths can double at each step, and UNION ALL would follow each of them.
 */

const FOUND = `
  found AS (
    SELECT q.lookup_id, l.uid, l.body
    FROM pg_catalog.unnest($1::bytea[]) AS q (lookup_id)
    LEFT JOIN membrane.lookup l ON l.lookup_id = q.lookup_id
  ),
  named AS (
    SELECT q.owner, q.name, n.holder, n.body
    FROM unnest($3::uuid[], $4::bytea[]) AS q (owner, name)
    LEFT JOIN membrane.name n ON n.owner = q.owner AND n.name = q.name
  ),
  paged AS (
    SELECT n.owner, n.name, n.holder, n.body
    FROM membrane.name n
    WHERE n.owner = $5::uuid AND n.name >= $6::bytea
    ORDER BY n.name
    LIMIT $7::int
  )`;

/**
 * Entries of the sweep's queue, or one record, with what depends on them.
 *
 * @param entries their uids, and whether they count as revoked themselves.
 */
function withDependents(entries: string): string {
  return `,
  entry AS (${entries}),
  dependent AS (
    SELECT e.uid AS entry, c.child, c.ignores_revocation, c.body,
           EXISTS (SELECT FROM membrane.child g WHERE g.uid = c.child) AS has_dependents
    FROM entry e
    CROSS JOIN LATERAL (
      SELECT c.child, c.ignores_revocation, c.body
      FROM membrane.child c
      WHERE c.uid = e.uid AND (
        NOT c.ignores_revocation
        -- A revoke capability that went through the membrane that it ends points to it in both ways, and is one child.
        OR NOT e.is_root AND NOT EXISTS (
          SELECT FROM membrane.child s WHERE s.uid = c.uid AND s.child = c.child AND NOT s.ignores_revocation
        )
      )
      ORDER BY c.ignores_revocation, c.child
      LIMIT $10::int
    ) c
  )`;
}

const SWEPT = `${withDependents("SELECT s.uid, s.is_root, s.body FROM membrane.sweep s ORDER BY s.uid LIMIT $10::int")},
  expired AS (
    SELECT x.expires_at, x.uid, x.body,
           EXISTS (SELECT FROM membrane.child g WHERE g.uid = x.uid) AS has_dependents
    FROM membrane.expiry x
    WHERE x.expires_at < $11::bigint
    ORDER BY x.expires_at, x.uid
    LIMIT $10::int
  )`;

const ROOTS = `
    SELECT pg_catalog.unnest($2::uuid[])
    UNION SELECT f.uid FROM found f WHERE f.uid IS NOT NULL
    UNION SELECT n.holder FROM named n WHERE n.holder IS NOT NULL
    UNION SELECT p.holder FROM paged p`;

const DEPENDENT_ROOTS = `
    UNION SELECT d.child FROM dependent d`;

const SWEPT_ROOTS = `${DEPENDENT_ROOTS}
    UNION SELECT x.uid FROM expired x`;

const LOADED = `
SELECT 'head' AS type, h.tag AS id, NULL::bytea AS key, h.position AS number, NULL::uuid AS target,
       NULL::boolean AS flag, NULL::bytea AS body
FROM membrane.head h
UNION ALL SELECT 'record', n.uid, NULL, NULL, NULL, NULL, n.body FROM node n
UNION ALL SELECT 'lookup', NULL, f.lookup_id, NULL, f.uid, NULL, f.body FROM found f
UNION ALL SELECT 'name', n.owner, n.name, NULL, n.holder, NULL, n.body FROM named n
UNION ALL SELECT 'page', p.owner, p.name, NULL, p.holder, NULL, p.body FROM paged p
UNION ALL SELECT 'count', q.uid, NULL, q.kind, NULL, NULL, c.body
  FROM unnest($8::uuid[], $9::smallint[]) AS q (uid, kind)
  LEFT JOIN membrane.count c ON c.uid = q.uid AND c.kind = q.kind`;

/** What comes with each tenant and each membrane. */
const OWNERS = `
UNION ALL SELECT 'name', n.name_owner, n.name, NULL, m.holder, NULL, m.body
  FROM node n
  LEFT JOIN membrane.name m ON m.owner = n.name_owner AND m.name = n.name
  WHERE n.name IS NOT NULL
UNION ALL SELECT 'count', n.uid, NULL, ${bytesRef(SERVICE_OWNER).kind}, NULL, NULL, c.body
  FROM node n
  LEFT JOIN membrane.count c ON c.uid = n.uid AND c.kind = ${bytesRef(SERVICE_OWNER).kind}
  WHERE n.name IS NOT NULL`;

const DEPENDENT_ROWS = `
UNION ALL SELECT 'dependent', d.child, NULL, d.has_dependents::int, d.entry, d.ignores_revocation, d.body FROM dependent d`;

const SWEPT_ROWS = `
UNION ALL SELECT 'entry', e.uid, NULL, NULL, NULL, e.is_root, e.body FROM entry e
${DEPENDENT_ROWS}
UNION ALL SELECT 'expired', x.uid, NULL, x.expires_at, NULL, x.has_dependents, x.body FROM expired x`;

const READ = loadStatement({ roots: ROOTS, tables: FOUND, rows: LOADED });
const READ_DEPENDENTS = loadStatement({
  roots: ROOTS + DEPENDENT_ROOTS,
  tables: FOUND + withDependents("SELECT $11::uuid AS uid, $12::boolean AS is_root"),
  rows: LOADED + DEPENDENT_ROWS,
});
const WRITE = loadStatement({ roots: ROOTS, tables: FOUND, rows: LOADED + OWNERS });
const SWEEP = loadStatement({
  roots: ROOTS + SWEPT_ROOTS,
  tables: FOUND + SWEPT,
  rows: LOADED + OWNERS + SWEPT_ROWS,
});

export function loadForRead(request: ReadRequest): Statement {
  const { dependents } = request;
  const parameters = parametersOf(request, usesOf(request));
  if (dependents === undefined) return { text: READ, parameters };
  const { of, asRevoked, limit } = dependents;
  return { text: READ_DEPENDENTS, parameters: [...parameters, limit, of, asRevoked] };
}

/** @param counts those that the writes have locked, since they change them. */
export function loadForWrite(requests: readonly WriteRequest[], counts: readonly CountRef[]): Statement {
  const read = {
    lookupIds: requests.flatMap(({ lookupIds = [] }) => lookupIds),
    uids: requests.flatMap(({ uids = [] }) => uids),
    names: requests.flatMap(({ names = [] }) => names),
  };
  const uses = requests.flatMap(usesOf);
  const quotas = requests.flatMap(({ quotas = [] }) => quotas.map(quotaRef));
  const parameters = parametersOf(read, [...uses, ...quotas, ...counts]);
  const sweep = requests.find((request) => request.sweep !== undefined)?.sweep;
  return sweep === undefined
    ? { text: WRITE, parameters }
    : { text: SWEEP, parameters: [...parameters, sweep.limit, sweep.expiredBefore] };
}

function loadStatement(parts: {
  readonly tables: string;
  readonly roots: string;
  readonly rows: string;
}): string {
  return `WITH RECURSIVE ${parts.tables},
  walk (uid) AS (
    (${parts.roots}
    )
    UNION
    SELECT d.uid
    FROM walk w
    JOIN membrane.record r ON r.uid = w.uid
    CROSS JOIN LATERAL pg_catalog.unnest(r.depends_on) AS d (uid)
  ),
  node AS (
    SELECT w.uid, r.name_owner, r.name, r.body FROM walk w LEFT JOIN membrane.record r ON r.uid = w.uid
  )
  ${parts.rows}`;
}

function usesOf({ uses = [] }: ReadRequest): CountRef[] {
  return uses.map(usesRef);
}

function parametersOf(
  { lookupIds = [], uids = [], names = [], page }: ReadRequest,
  allCounts: readonly CountRef[],
): Parameter[] {
  const counts = [...countsByText(allCounts).values()];
  return [
    byteaArray(lookupIds),
    uuidArray([...new Set(uids)]),
    uuidArray(names.map(({ owner }) => owner ?? SERVICE_OWNER)),
    byteaArray(names.map(({ name }) => Buffer.from(name, "utf8"))),
    page === undefined ? null : (page.owner ?? SERVICE_OWNER),
    // No name holds a NUL: this is the first after the name itself.
    page?.after === undefined ? Buffer.alloc(0) : Buffer.from(`${page.after}\0`, "utf8"),
    page?.limit ?? 0,
    uuidArray(counts.map(({ uid }) => uid)),
    plainArray(counts.map(({ kind }) => kind)),
  ];
}

import { expect, test } from "vitest";
import { DEFAULT_LEASE_TIMES } from "../../store/lease/lease-times.ts";
import type { DatabaseStoreReport, ServerReport } from "../../store/postgres/server-report.ts";
import type { DatabaseExpectations } from "./database-findings.ts";
import { databaseFindings } from "./database-findings.ts";

const STORE: DatabaseStoreReport = { schemaVersion: 3, leaseMs: 1_000, nodes: 2, durableWriteMs: 4.26 };

const REPORT: ServerReport = {
  version: 170_002,
  versionText: "17.2",
  fsync: "on",
  fullPageWrites: "on",
  isStandby: false,
  synchronousCommit: "on",
  synchronousStandbyNames: "ANY 1 (a, b)",
  maxConnections: 97,
  tlsVersion: "TLSv1.3",
  clockAheadMs: -12.3,
  roundTripMs: 3,
  isPooled: false,
  mayCreate: false,
  store: STORE,
};

const EXPECTED: DatabaseExpectations = {
  settings: {
    host: "db.test",
    port: 5432,
    database: "m",
    user: "alice",
    sslMode: "verify-full",
    connectTimeoutMs: 5_000,
  },
  leaseTimes: DEFAULT_LEASE_TIMES,
  workers: 1,
  schemaVersion: 3,
  connectionsPerProcess: 17,
  connectionsOfParent: 3,
};

/** The lines of the doctor. */
function lines(report: Partial<ServerReport> = {}, expected: Partial<DatabaseExpectations> = {}) {
  return databaseFindings({ ...REPORT, ...report }, { ...EXPECTED, ...expected }).map(
    ({ ok, isWarning, what }) => `${ok ? (isWarning === true ? "warn" : "ok") : "FAIL"} ${what}`,
  );
}

/** The lines that differ from those of a server that has everything. */
function others(report: Partial<ServerReport>, expected: Partial<DatabaseExpectations> = {}) {
  const usual = new Set(lines());
  return lines(report, expected).filter((line) => !usual.has(line));
}

test("a server that has everything passes", () => {
  expect(lines()).toEqual([
    "ok database: PostgreSQL 17.2, a primary",
    "ok durability: fsync and full_page_writes are on; synchronous_commit is on",
    "ok encryption: TLSv1.3, verify-full",
    "ok standby: synchronous_standby_names is ANY 1 (a, b)",
    "ok clock of the server: 12 ms behind (±2 ms)",
    "ok connections: 2 process(es) use up to 34 of 97",
    "ok schema: version 3",
    "ok lease: 1000 ms, 2 process(es) serve",
    "ok lease round trip: 4.3 ms for a durable write",
  ]);
});

test("a server that cannot keep a store fails with what to do", () => {
  expect(others({ version: 130_010 })).toEqual([
    "FAIL database: the server has PostgreSQL 13: use version 14 or newer",
  ]);
  expect(others({ fsync: "off" })[0]).toMatch(/^FAIL database: the server has fsync off/);
  expect(others({ fullPageWrites: "off" })[0]).toMatch(/^FAIL database: the server has full_page_writes off/);
  expect(others({ isStandby: true })[0]).toMatch(
    /^FAIL database: the server is a standby.*: name the primary$/,
  );
});

test("what works and is less than it could be is a warning", () => {
  expect(others({ synchronousStandbyNames: "" })).toEqual([
    "warn standby: synchronous_standby_names is empty: without a synchronous standby a failover can lose revokes that were acknowledged",
  ]);
  expect(others({ synchronousCommit: "off" })[0]).toMatch(
    /synchronous_commit is off, and on in what the service writes$/,
  );
  expect(others({ clockAheadMs: 6_000 })[0]).toMatch(/^warn clock of the server: 6000 ms ahead .*NTP/);
  expect(others({ maxConnections: 33 })[0]).toMatch(
    /^warn connections: 2 process\(es\) use up to 34 of 33: raise max_connections/,
  );
  expect(others({ isPooled: true })).toEqual([
    "warn pooler: the connection passes through one, and a revoke takes up to 0.3 s: connect to the server directly",
  ]);
  expect(others({}, { workers: 8 })[0]).toMatch(/^warn connections: 8 process\(es\) use up to 139 of 97/);
  expect(others({ store: { ...STORE, durableWriteMs: 180 } })[0]).toMatch(
    /^warn lease round trip: 180\.0 ms .*--lease-reply-timeout-ms 300/,
  );
});

test("a connection that others could read or redirect is a warning, unless the server is on this machine", () => {
  const { tlsVersion: _tls, ...plain } = REPORT;
  const linesOf = (settings: Partial<DatabaseExpectations["settings"]>, report: ServerReport = REPORT) =>
    databaseFindings(report, { ...EXPECTED, settings: { ...EXPECTED.settings, ...settings } }).filter(
      ({ what }) => what.startsWith("encryption"),
    );
  expect(linesOf({ sslMode: "disable" }, plain)).toMatchObject([{ isWarning: true }]);
  expect(linesOf({ sslMode: "require" })).toMatchObject([{ isWarning: true }]);
  expect(linesOf({ sslMode: "require", caFile: "ca.pem" })).toEqual([
    { ok: true, what: "encryption: TLSv1.3, require" },
  ]);
  for (const host of ["localhost", "127.0.0.1", "::1", "/run/postgresql"])
    expect(linesOf({ sslMode: "disable", host }, plain)).toEqual([
      { ok: true, what: "encryption: none, and the server is on this machine" },
    ]);
  expect(linesOf({ sslMode: "disable", host: "127.evil.example" }, plain)).toMatchObject([
    { isWarning: true },
  ]);
});

test("before the first start the user must have the right to make the schema", () => {
  const { store: _store, ...none } = REPORT;
  const schema = (mayCreate: boolean) => databaseFindings({ ...none, mayCreate }, EXPECTED).at(-1);
  expect(schema(true)).toEqual({ ok: true, what: "schema: none yet, the first start makes it" });
  expect(schema(false)).toEqual({
    ok: false,
    what: "schema: the user alice may not write: let it own the schema membrane with its tables, or without that schema, GRANT CREATE ON DATABASE m TO alice",
  });
});

test("a schema of a newer program fails, and an older one is brought up by the next start", () => {
  expect(others({ store: { ...STORE, schemaVersion: 4 } })).toEqual([
    "FAIL schema: version 4, and this program knows schemas up to 3: use the program that changed it, or a newer one",
  ]);
  expect(others({ store: { ...STORE, schemaVersion: 2 } })).toEqual([
    "ok schema: version 2, the next start brings it to 3",
  ]);
});

test("another length of the lease fails while nodes serve, and is taken by the next start when none does", () => {
  expect(others({ store: { ...STORE, leaseMs: 2_000 } })).toEqual([
    "FAIL lease: 2000 ms, 2 process(es) serve, and --lease-ms is 1000 here: give it the same, or stop all nodes to change it",
  ]);
  expect(others({ store: { ...STORE, leaseMs: 2_000, nodes: 0 } })).toContain(
    "ok lease: 2000 ms, 0 process(es) serve; the next start makes it 1000 ms",
  );
});

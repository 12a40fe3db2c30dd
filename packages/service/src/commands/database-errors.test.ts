import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { StoreBusyError } from "../store/store.ts";
import { explainDatabaseError } from "./database-errors.ts";

const SETTINGS = {
  host: "db.test",
  port: 5432,
  database: "m",
  user: "alice",
  sslMode: "verify-full",
} as const;

function coded(code: string): Error {
  return Object.assign(new Error("what the server says, with secret"), { code });
}

test.each([
  ["ECONNREFUSED", "no server listens at db.test:5432"],
  ["CONNECT_TIMEOUT", "no server responds at db.test:5432"],
  ["EHOSTUNREACH", "no server responds at db.test:5432"],
  [
    "ECONNRESET",
    "the server at db.test:5432 ended the connection: .* does it offer TLS \\(sslmode=verify-full\\)",
  ],
  ["ENOTFOUND", "cannot resolve the name db.test"],
  ["28P01", "no password was given for the user alice: set the variable PGPASSWORD, .* PGPASSFILE"],
  [
    "28000",
    "the server does not let the user alice connect to the database m from this machine: .*pg_hba.conf",
  ],
  ["3D000", "there is no database m: create it"],
  ["42501", "the user alice may not write: "],
  ["25006", "the server is a standby, which cannot write: name the primary"],
  [
    "53300",
    "the server has no connection left for the user alice: raise max_connections, or the CONNECTION LIMIT",
  ],
  ["55P03", "another node or a move holds the schema: try again"],
  ["57P03", "the server starts or stops: try again"],
  ["PASSWORD_IN_CLEAR", "the server at db.test:5432 asks for the password itself, .*verify-full"],
  ["AUTHENTICATION_INVALID", "the server at db.test:5432 asks who the user is in a way"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "the server's certificate is not for db.test"],
  [
    "SELF_SIGNED_CERT_IN_CHAIN",
    "the server's certificate is not trusted: name the file of its CA in sslrootcert",
  ],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "the server's certificate is not trusted"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "the server's certificate is not trusted"],
  ["CERT_HAS_EXPIRED", "the server's certificate is not trusted"],
  ["XX000", "the database m at db.test:5432 cannot be used"],
])("%s is explained by its code alone, also as the cause of an error of the store", (code, message) => {
  for (const error of [coded(code), new StoreBusyError("not reached", { cause: coded(code) })]) {
    const explained = explainDatabaseError(SETTINGS, error);
    expect(explained).toMatch(new RegExp(`^${message}.*\\(${code}\\)$`));
    expect(explained).not.toContain("secret");
  }
});

test("an error without a code is shown with the server's place, an address of IPv6 in brackets", () => {
  const late = new StoreBusyError("the store did not respond in time");
  expect(explainDatabaseError({ ...SETTINGS, host: "::1" }, late)).toBe(
    "[::1]:5432: the store did not respond in time",
  );
});

test("a code that is neither an SQLSTATE nor one of the driver or the system is not shown", () => {
  for (const code of [
    "X".repeat(100_000),
    "read this",
    "\u001b[2J00",
    "08ABCDEF",
    `CERT_${"A".repeat(1_000)}`,
    "",
  ])
    for (const error of [coded(code), new StoreBusyError("not reached", { cause: coded(code) })])
      expect(explainDatabaseError(SETTINGS, error)).toBe("the database m at db.test:5432 cannot be used");
});

test("a refused password is to be corrected where it came from", async () => {
  expect(explainDatabaseError({ ...SETTINGS, passwordSource: "variable" }, coded("28P01"))).toContain(
    "check the variable PGPASSWORD",
  );
  expect(explainDatabaseError({ ...SETTINGS, passwordSource: "URL" }, coded("28P01"))).toContain(
    "check the one in its URL, which is used whatever PGPASSWORD says",
  );
  const absent = { path: "/nowhere/.pgpass", isOptional: true };
  expect(explainDatabaseError({ ...SETTINGS, passwordFile: absent }, coded("28P01"))).toMatch(
    /^no password was given for the user alice: /,
  );
  await using directory = await temporaryDirectory();
  const passwordFile = { path: join(directory.path, "pgpass"), isOptional: true };
  await writeFile(passwordFile.path, "*:*:*:*:canary");
  const explained = explainDatabaseError({ ...SETTINGS, passwordFile }, coded("28P01"));
  expect(explained).toContain(
    `check the line for db.test:5432:m:alice: in the file ${passwordFile.path}, or set the variable PGPASSWORD`,
  );
  expect(explained).not.toContain("canary");
});

test("a password file without a line that fits is named, with how such a line begins, and nothing of the file is shown", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "pgpass");
  await writeFile(path, "db.test:5432:m:bob:canary\n");
  const explain = (more: object) => explainDatabaseError({ ...SETTINGS, ...more }, coded("28P01"));
  expect(explain({ passwordFile: { path, isOptional: true } })).toBe(
    `no password was given for the user alice: the file ${path} has no line that begins with db.test:5432:m:alice: or with * for any of its parts: add one, or set the variable PGPASSWORD (28P01)`,
  );
  expect(explain({ host: "2001:db8::1", passwordFile: { path, isOptional: false } })).toContain(
    `the file ${path}, which PGPASSFILE or passfile names, has no line that begins with 2001\\:db8\\:\\:1:5432:m:alice:`,
  );
  // A password of the URL or of a variable is used instead of the file.
  expect(explain({ passwordSource: "URL", passwordFile: { path, isOptional: true } })).toContain(
    "the server refused the password of the user alice",
  );
});

test("a user without the right to connect gets another message than one without the right to write", () => {
  const refused = Object.assign(coded("42501"), { severity: "FATAL" });
  for (const error of [refused, new StoreBusyError("not reached", { cause: refused })])
    expect(explainDatabaseError(SETTINGS, error)).toBe(
      "the user alice may not connect to the database m: GRANT CONNECT ON DATABASE m TO alice (42501)",
    );
});

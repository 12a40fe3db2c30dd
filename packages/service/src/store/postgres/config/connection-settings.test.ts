import { err, ok } from "capability-protocol";
import { expect, test } from "vitest";
import { parseConnectionSettings } from "./connection-settings.ts";

const parse = (url: string, environment: Readonly<Record<string, string>> = {}) =>
  parseConnectionSettings(url, "command line", environment);

/** The settings, or the reason why there are none. */
function settled(url: string, environment: Readonly<Record<string, string>> = {}) {
  const parsed = parse(url, environment);
  return parsed.ok ? parsed.value : parsed.error;
}

test("without a word about it the database has the name of the user, and TLS verifies the server", () => {
  expect(parse("postgres://u@db.test")).toEqual(
    ok({
      host: "db.test",
      port: 5432,
      user: "u",
      database: "u",
      sslMode: "verify-full",
      connectTimeoutMs: 5_000,
    }),
  );
});

test("what the URL does not say is in the variables of libpq, and what it says holds", () => {
  const environment = {
    PGHOST: "other.test",
    PGPORT: "5433",
    PGUSER: "u",
    PGDATABASE: "m",
    PGPASSWORD: "p",
    PGSSLMODE: "require",
    PGSSLROOTCERT: "/ca.pem",
    PGSSLCERT: "/client.pem",
    PGSSLKEY: "/client.key",
    PGCONNECT_TIMEOUT: "7",
  };
  const expected = {
    host: "other.test",
    port: 5433,
    user: "u",
    database: "m",
    password: "p",
    passwordSource: "variable",
    sslMode: "require",
    caFile: "/ca.pem",
    certFile: "/client.pem",
    keyFile: "/client.key",
    connectTimeoutMs: 7_000,
  };
  expect(parse("postgres://", environment)).toEqual(ok(expected));
  expect(parse("postgres://v@db.test:1/n?sslmode=verify-full", environment)).toEqual(
    ok({ ...expected, host: "db.test", port: 1, user: "v", database: "n", sslMode: "verify-full" }),
  );
});

test("a password on the command line is refused with the variables to use instead, and is not repeated; in the variable of the URL it holds", () => {
  for (const url of ["postgres://u:canary@db.test", "postgres://u@db.test?password=canary"]) {
    const parsed = parse(url);
    expect(parsed).toEqual(
      err(
        "its URL has a password, which other users of this machine can read: use the variable PGPASSWORD, or a file that PGPASSFILE names",
      ),
    );
    expect(parseConnectionSettings(url, "variable", { PGPASSWORD: "other" })).toMatchObject(
      ok({ password: "canary", passwordSource: "URL" }),
    );
  }
});

test("a password file is read only without a password; the one in the home directory may be missing", () => {
  expect(settled("postgres://u@db.test", { PGPASSFILE: "/secret", HOME: "/home/u" })).toMatchObject({
    passwordFile: { path: "/secret", isOptional: false },
  });
  expect(settled("postgres://u@db.test", { HOME: "/home/u" })).toMatchObject({
    passwordFile: { path: "/home/u/.pgpass", isOptional: true },
  });
  expect(settled("postgres://u@db.test", { PGPASSWORD: "p", PGPASSFILE: "/secret" })).not.toHaveProperty(
    "passwordFile",
  );
});

test.each([
  ["postgres://u@db.test", "verify-full"],
  ["postgres://u@127.0.0.1.evil.test", "verify-full"],
  ["postgres://u@evil.127.0.0.1", "verify-full"],
  ["postgres://u@127a0b0c1", "verify-full"],
  ["postgres://u@localhost.evil.test", "verify-full"],
  ["postgres://u@evil-localhost", "verify-full"],
  ["postgres://u@[::12]", "verify-full"],
  ["postgres://u@[fe80::1]", "verify-full"],
  // The directory of a Unix socket begins with a slash.
  ["postgres://u@evil%2Frun", "verify-full"],
  ["postgres://u@localhost", "disable"],
  ["postgres://u@127.0.0.1", "disable"],
  ["postgres://u@127.255.0.12", "disable"],
  ["postgres://u@[::1]", "disable"],
  ["postgres://u@127.0.0.1?sslmode=verify-full", "verify-full"],
  ["postgres://u@db.test?sslmode=disable", "disable"],
  ["postgres://u@db.test?sslmode=require", "require"],
  ["postgres://u@db.test?sslmode=verify-ca&sslrootcert=/ca", "verify-ca"],
  ["postgres://u@db.test?sslrootcert=system", "verify-full"],
  // A Unix socket has no TLS, whatever the mode.
  ["postgres://u@%2Frun?sslmode=verify-full", "disable"],
])("%s has the mode %s", (url, sslMode) => {
  expect(settled(url)).toMatchObject({ sslMode });
});

test.each([
  ["postgres://db.test", "expected a user in its URL, or in the variable PGUSER"],
  ["postgres://u@db.test:0", "port: expected a number from 1 to 65535"],
  ["postgres://u@db.test:65536", "port: expected a number from 1 to 65535"],
  ["postgres://u@db.test?connect_timeout=0", "connect_timeout: expected 1 to 600 seconds"],
  [
    "postgres://u@db.test?sslmode=prefer",
    "sslmode: expected disable, require, verify-ca or verify-full; allow and prefer may send without TLS",
  ],
  [
    "postgres://u@db.test?sslmode=allow",
    "sslmode: expected disable, require, verify-ca or verify-full; allow and prefer may send without TLS",
  ],
  ["postgres://u@db.test?sslmode=canary", "sslmode: expected disable, require, verify-ca or verify-full"],
  [
    "postgres://u@db.test?sslmode=verify-ca",
    "sslmode=verify-ca: expected a CA in sslrootcert, since anyone gets a certificate of a public one",
  ],
  [
    "postgres://u@db.test?sslmode=verify-ca&sslrootcert=system",
    "sslmode=verify-ca: expected a CA in sslrootcert, since anyone gets a certificate of a public one",
  ],
  [
    "postgres://u@db.test?sslmode=require&sslrootcert=system",
    "sslrootcert=system: expected sslmode=verify-full with it",
  ],
  ["postgres://u@db.test?sslcert=/c", "expected both of sslcert and sslkey, or neither"],
])("%s is refused with a reason that has none of its values", (url, reason) => {
  expect(parse(url)).toEqual(err(reason));
});

test("a variable that would change where or how safely to connect, and is not supported, is refused by name", () => {
  const names = ["SERVICE", "HOSTADDR", "CHANNELBINDING", "SSLCRL", "TARGETSESSIONATTRS", "REQUIREPEER"];
  const others = ["SSLCERTMODE", "SSLSNI", "GSSDELEGATION", "LOADBALANCEHOSTS", "MINPROTOCOLVERSION"];
  for (const name of [...names, ...others].map((rest) => `PG${rest}`)) {
    expect(parse("postgres://u@db.test", { [name]: "canary" })).toEqual(
      err(`the variable ${name} is not supported: remove it`),
    );
    expect(parse("postgres://u@db.test", { [name]: "" }).ok).toBe(true);
  }
});

test("a variable of the session, which the service sets itself, is ignored", () => {
  for (const name of ["PGAPPNAME", "PGCLIENTENCODING", "PGDATESTYLE", "PGTZ"])
    expect(parse("postgres://u@db.test", { [name]: "other" })).toEqual(parse("postgres://u@db.test"));
});

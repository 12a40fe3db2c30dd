import fc from "fast-check";
import { err, ok } from "capability-protocol";
import { expect, test } from "vitest";
import { parseConnectionUrl } from "./connection-url.ts";

const ENCODE = "its URL: write / ? # % @ in the password as %2F %3F %23 %25 %40";

test.each([
  ["postgres://", {}],
  ["postgresql://db.test", { host: "db.test" }],
  ["postgres://u@db.test:5433/membrane", { user: "u", host: "db.test", port: "5433", dbname: "membrane" }],
  ["postgres://u:p%40ss:w@db.test/m", { user: "u", password: "p@ss:w", host: "db.test", dbname: "m" }],
  // Everything up to the last @ is the user's.
  ["postgres://u:p@x@db.test", { user: "u", password: "p@x", host: "db.test" }],
  ["postgres://u@[2001:db8::1]:5433/m", { user: "u", host: "2001:db8::1", port: "5433", dbname: "m" }],
  ["postgres://u@%2Frun%2Fpostgresql/m", { user: "u", host: "/run/postgresql", dbname: "m" }],
  ["postgres:///m?host=/run/postgresql&user=u", { host: "/run/postgresql", user: "u", dbname: "m" }],
  [
    "postgres://db.test/m?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem&connect_timeout=3",
    {
      host: "db.test",
      dbname: "m",
      sslmode: "verify-full",
      sslrootcert: "/etc/ca.pem",
      connect_timeout: "3",
    },
  ],
])("%s is read as libpq reads it", (url, settings) => {
  expect(parseConnectionUrl(url)).toEqual(ok(settings));
});

test.each([
  ["mysql://db.test", "expected postgres://…"],
  ["postgres://a.test,b.test/m", "expected one host: a store has one primary"],
  ["postgres://[2001:db8::1/m", "expected an IPv6 address as [address] or [address]:port"],
  ["postgres://[::1]5432/m", "expected an IPv6 address as [address] or [address]:port"],
  ["postgres://u:%zz@db.test", `expected two hexadecimal digits after each % of ${ENCODE}`],
  // Each would otherwise name a part of the password as the host.
  ["postgres://u:p@ss/w@127.0.0.1:5432/m", ENCODE],
  ["postgres://u:p@1:2/w@127.0.0.1/m", ENCODE],
  ["postgres://u:p/w@127.0.0.1/m", ENCODE],
  ["postgres://u:p@ss?w@127.0.0.1:5432/m", ENCODE],
  ["postgres://u@db.test:canary", ENCODE],
  ["postgres://db.test?sslmode=%zz", "expected two hexadecimal digits after each % of its URL"],
  ["postgres://db.test?sslmode=require&sslmode=disable", "its URL has sslmode twice"],
])("%s is refused with a reason", (url, reason) => {
  expect(parseConnectionUrl(url)).toEqual(err(reason));
});

test("a parameter that is not known is refused, since leaving it out could be less safe", () => {
  for (const name of ["sslcrl", "options", "target_session_attrs", "constructor", "__proto__"])
    expect(parseConnectionUrl(`postgres://db.test?${name}=x`)).toMatchObject({
      ok: false,
      error: expect.stringContaining("unknown parameter"),
    });
});

test("no reason has any part of a URL in it, wherever a password is in it", () => {
  const secret = "canary-password";
  const parts = fc.constantFrom(secret, ":", "@", "/", "?", "=", "&", ",", "[", "]", "%", "host", "sslmode");
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 12 }), (list) => {
      const parsed = parseConnectionUrl(`postgres://${list.join("")}`);
      if (!parsed.ok) expect(parsed.error).not.toContain(secret);
    }),
    { numRuns: 1_000 },
  );
});

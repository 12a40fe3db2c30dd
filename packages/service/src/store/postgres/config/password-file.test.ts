import { expect, test } from "vitest";
import { findPassword } from "./password-file.ts";

const TARGET = { host: "db.test", port: 5432, database: "m", user: "u" };

test.each([
  ["db.test:5432:m:u:secret", "secret"],
  ["*:*:*:*:secret", "secret"],
  ["db.test:5433:m:u:wrong\ndb.test:5432:m:u:secret", "secret"],
  // The first that fits holds.
  ["*:*:*:*:first\ndb.test:5432:m:u:second", "first"],
  ["# db.test:5432:m:u:comment\n*:*:*:*:secret", "secret"],
  ["*:*:*:*:with\\:colon\\\\and backslash", "with:colon\\and backslash"],
  ["*:*:*:*:with:colons", "with:colons"],
  ["*:*:*:*:secret\r\n", "secret"],
  ["\n\n*:*:*:*:", ""],
  // A quoted star is a name.
  ["\\*:*:*:*:wrong", undefined],
  ["db.test:5432:m:u", undefined],
  ["other.test:5432:m:u:wrong", undefined],
  // As libpq compares: the whole name, and its case.
  ["db:5432:m:u:wrong\ntest:5432:m:u:wrong", undefined],
  ["db.test.evil.test:5432:m:u:wrong\nmy.db.test:5432:m:u:wrong", undefined],
  ["DB.test:5432:m:u:wrong", undefined],
  [":5432:m:u:wrong", undefined],
  ["db.test:543:m:u:wrong", undefined],
  ["db.test:5432:other:u:wrong", undefined],
  ["db.test:5432:m:other:wrong", undefined],
  ["", undefined],
])("of the file %j the password is %j", (text, password) => {
  expect(findPassword(text, TARGET)).toBe(password);
});

test("a quoted colon is part of a name", () => {
  expect(findPassword("2001\\:db8\\:\\:1:5432:m:u:secret", { ...TARGET, host: "2001:db8::1" })).toBe(
    "secret",
  );
});

test("a socket in a default directory has the name localhost, and another one its path", () => {
  const text = "localhost:*:*:*:local\n/srv/pg:*:*:*:socket";
  for (const host of ["/tmp", "/run/postgresql", "/var/run/postgresql"])
    expect(findPassword(text, { ...TARGET, host }), host).toBe("local");
  expect(findPassword(text, { ...TARGET, host: "/srv/pg" })).toBe("socket");
});

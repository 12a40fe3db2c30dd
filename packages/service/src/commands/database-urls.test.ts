import fc from "fast-check";
import { expect, test } from "vitest";
import { hideDatabasePasswords } from "./database-urls.ts";

test.each([
  "the store was moved to postgres://db.example:5432/membrane, and what was revoked there still works here",
  "The store is at postgres://[2001:db8::1]:5432/m now. The one at postgres://%2Frun%2Fpg:5432/m is kept.",
  "expected lmdb or postgres://…, as in postgres://membrane@db.example/membrane",
  'at "PostgreSQL://u@h/d?sslmode=verify-full&sslrootcert=/etc/ca.pem": refused',
  "postgres://",
  "alice@example.com: no URL",
  "CREATE DATABASE d",
])("a text without a password is unchanged: %s", (text) => {
  expect(hideDatabasePasswords(text)).toBe(text);
});

test.each([
  ["postgres://u:secret@h:5432/d: refused", "postgres://u:...@h:5432/d: refused"],
  ["postgres://u:se@cr/e?t#@h/d", "postgres://..."],
  ["postgres://u:se@cr/e#t@h/d no", "postgres://u:...@h/d no"],
  ["postgres://u:my secret@h/d no", "postgres://u:...@h/d no"],
  ["postgres://a@h/d postgres://u:my secret@h/d", "postgres://...@h/d"],
  ["postgres://u@h/d?sslmode=require&password=my secret", "postgres://..."],
  ["postgres://u@h/d?password=my@secret", "postgres://..."],
  ["postgres://u:secret", "postgres://..."],
  ["postgres://u:secret@h/d postgres://u:secret", "postgres://u:...@h/d..."],
])("of %s remains %s", (text, shown) => {
  expect(hideDatabasePasswords(text)).toBe(shown);
});

test("no part of a password remains, whatever characters it has, in the user's part or in the settings", () => {
  const secret = "canary";
  const odd = fc.constantFrom(
    ..."@/?#:&=%,;'\"`()[]\\ \n\t…",
    "postgres://",
    "postgresql://x@",
    " end",
    "u",
    "1",
  );
  const password = fc
    .array(fc.oneof(fc.constant(secret), odd, fc.string({ maxLength: 3 })), { maxLength: 8 })
    .map((parts) => `${secret}${parts.join("")}${secret}`);
  const before = fc.constantFrom("", "membrane: ", "from postgres://a@b/c to ", "a@b ");
  const after = fc.constantFrom("", " unexpected argument", ": refused", ", or postgres://h/d", '"');
  const url = fc.oneof(
    password.map((text) => `postgres://user:${text}@db.example:5432/membrane`),
    password.map((text) => `postgres://:${text}@db.example/membrane?sslmode=require`),
    password.map((text) => `PostgreSQL://user@db.example/membrane?sslmode=require&password=${text}`),
    password.map((text) => `postgres:///membrane?password=${text}`),
    password.map((text) => `postgres://user:${text}@db.example/membrane?password=${text}`),
  );
  fc.assert(
    fc.property(before, url, after, (one, two, three) => {
      expect(hideDatabasePasswords(`${one}${two}${three}`)).not.toContain(secret);
    }),
    { numRuns: 5_000 },
  );
});

import fc from "fast-check";
import { expect, test } from "vitest";

import { formatQueryRequest, parseQueryFields, parseQueryRequest } from "./query.ts";

test.each([
  ["", { limit: 1 }],
  ["limit=7", { limit: 7 }],
  ["limit=1000", { limit: 1000 }],
  ["limit=1001", { limit: 1000 }],
  [`limit=${"9".repeat(400)}`, { limit: 1000 }],
  ["id=a", { id: "a", limit: 1 }],
  ["id=a+b%20c%2B", { id: "a b c+", limit: 1 }],
  ["id=a=b", { id: "a=b", limit: 1 }],
  ["i%64=a", { id: "a", limit: 1 }],
  ["lastId=%F0%9D%84%9E&limit=2", { lastId: "𝄞", limit: 2 }],
  ["&limit=2&", { limit: 2 }],
])("the query %j means %j", (search, value) => {
  expect(parseQueryRequest(search)).toEqual({ ok: true, value });
});

test.each([
  ["limit=0", "limit"],
  ["limit=-1", "limit"],
  ["limit=1.5", "limit"],
  ["limit=1e2", "limit"],
  ["limit=0x10", "limit"],
  ["limit=", "limit"],
  ["limit", "limit"],
  ["limit=+1", "limit"],
  ["limit=١", "limit"],
  ["limit=1&limit=1", "limit"],
  ["id=", "id"],
  ["id", "id"],
  ["id=%00", "id"],
  [`id=${"a".repeat(513)}`, "id"],
  ["id=a&id=a", "id"],
  ["id=a&i%64=b", "id"],
  ["id=%", "id"],
  ["id=%ff", "id"],
  ["id=%ED%A0%80", "id"],
  ["lastId=", "lastId"],
  ["lastId=a%zz", "lastId"],
  ["%zz=a", "query"],
  ["Limit=1", "Limit"],
  ["=1", ""],
  ["__proto__=1", "__proto__"],
  ["constructor=1", "constructor"],
])("the query %j is refused, naming %j", (search, field) => {
  expect(parseQueryRequest(search)).toMatchObject({ ok: false, error: { field } });
});

test("queries that URLSearchParams and encodeURIComponent make are parsed", () => {
  const id = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 60 })
    .filter((text) => text.length <= 512 && !text.includes("\0"));
  fc.assert(
    fc.property(id, id, fc.integer({ min: 1, max: 1000 }), (first, last, limit) => {
      const value = { id: first, lastId: last, limit };
      const form = new URLSearchParams({ id: first, lastId: last, limit: String(limit) });
      expect(parseQueryRequest(form.toString())).toEqual({ ok: true, value });
      const escaped = `lastId=${encodeURIComponent(last)}&id=${encodeURIComponent(first)}&limit=${limit}`;
      expect(parseQueryRequest(escaped)).toEqual({ ok: true, value });
    }),
  );
});

test("the parser returns a value for any text, and never throws", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (search) => {
      expect(parseQueryRequest(search).ok).toBeTypeOf("boolean");
    }),
  );
});

test("an object is parsed like the same query, and formatted as that query", () => {
  const id = fc.option(
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }).filter((text) => !text.includes("\0")),
    { nil: undefined },
  );
  const limit = fc.option(fc.integer({ min: 1, max: 3000 }), { nil: undefined });
  fc.assert(
    fc.property(id, id, limit, (first, last, count) => {
      const fields = parseQueryFields({ id: first, lastId: last, limit: count });
      expect(fields.ok).toBe(true);
      if (fields.ok) expect(parseQueryRequest(formatQueryRequest(fields.value))).toEqual(fields);
    }),
  );
});

test.each([undefined, null, {}, { id: undefined }])(
  "the object %j asks for one membrane, the first",
  (query) => {
    expect(parseQueryFields(query)).toEqual({ ok: true, value: { limit: 1 } });
  },
);

test.each([
  [{ limit: "1" }, "limit"],
  [{ limit: 0 }, "limit"],
  [{ limit: 1.5 }, "limit"],
  [{ limit: Number.NaN }, "limit"],
  [{ limit: null }, "limit"],
  [{ id: 1 }, "id"],
  [{ id: "" }, "id"],
  [{ lastId: "a\0" }, "lastId"],
  [{ last_id: "a" }, "last_id"],
  ["id=a", "body"],
  [[], "body"],
])("the object %j is refused, naming %s", (query, field) => {
  expect(parseQueryFields(query)).toMatchObject({ ok: false, error: { field } });
});

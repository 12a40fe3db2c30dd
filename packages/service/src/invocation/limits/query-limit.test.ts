import type { ListedValue } from "capability-protocol";
import { expect, test } from "vitest";
import { parseQueryPairs } from "../query-pairs.ts";
import { compileNames } from "./listed-values.ts";
import { checkQuery } from "./query-limit.ts";

const LIMIT = compileNames(
  new Map<string, "any" | readonly ListedValue[]>([
    ["prefix", [{ startsWith: "p/" }, "exact"]],
    ["max-keys", "any"],
    ["é", "any"],
  ]),
);

function refusal(query: string, limit = LIMIT) {
  const outcome = checkQuery(limit, parseQueryPairs(query));
  return outcome.ok ? undefined : outcome.error;
}

test.each([
  "prefix=p/",
  "prefix=p/a&max-keys",
  "prefix=exact&max-keys=1&max-keys=2",
  "&&prefix=p%2Fa%20b&",
  "%70refix=%70/",
  "prefix=p/%F0%9F%98%80&%C3%A9=a+b=c",
  "prefix=exact&max-keys=%2B%3B%26%3D",
])("the query %s is admitted", (query) => {
  expect(refusal(query)).toBeUndefined();
});

test.each([
  ["", "prefix", "not_listed"],
  ["max-keys=1", "prefix", "not_listed"],
  ["prefix", "prefix", "not_listed"],
  ["prefix=", "prefix", "not_listed"],
  ["prefix=q/", "prefix", "not_listed"],
  ["prefix=exactly", "prefix", "not_listed"],
  ["prefix=p/&prefix=p/", "prefix", "not_listed"],
  ["prefix=p/&%70refix=q/", "prefix", "not_listed"],
  ["prefix=p/+a", "prefix", "not_listed"],
  ["prefix=p/&acl", "acl", "not_named"],
  ["prefix=p/&Prefix=p/", "Prefix", "not_named"],
  ["prefix=p/&prefix[]=q/", "prefix[]", "not_named"],
  ["prefix=p/&=a", "", "not_named"],
  ["prefix=p/;prefix=q/", "prefix", "ambiguous"],
  ["prefix=p/&a;max-keys=1", "a;max-keys", "ambiguous"],
  ["prefix=p/&max+keys=1", "max+keys", "ambiguous"],
  ["prefix=p/&max-keys=%FF", "max-keys", "ambiguous"],
  ["prefix=p/&max-keys=%C0%AF", "max-keys", "ambiguous"],
  ["prefix=p/&max-keys=%ED%A0%80", "max-keys", "ambiguous"],
  ["prefix=p/&max-keys=%u0041", "max-keys", "ambiguous"],
  ["prefix=p/&max-keys=%4", "max-keys", "ambiguous"],
  ["prefix=p/&max-keys=%00", "max-keys", "ambiguous"],
  ["prefix=p/&max-keys=%0A", "max-keys", "ambiguous"],
  ["prefix=p/&max-keys=%C2%85", "max-keys", "ambiguous"],
  ["prefix=p/&%7Fmax-keys=1", "%7Fmax-keys", "ambiguous"],
  ["prefix=p/&max-keys=\u00e9", "max-keys", "ambiguous"],
  ["prefix=p/&max-keys=\t", "max-keys", "ambiguous"],
])("the query %s is refused for its key %j, which is %s", (query, key, why) => {
  expect(refusal(query)).toEqual({ reason: "query_not_allowed", key, why });
});

test("a limit without keys admits only an empty query", () => {
  expect(refusal("", compileNames(new Map()))).toBeUndefined();
  expect(refusal("&", compileNames(new Map()))).toBeUndefined();
  expect(refusal("a", compileNames(new Map()))).toMatchObject({ key: "a", why: "not_named" });
});

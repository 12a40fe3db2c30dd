import fc from "fast-check";
import { expect, test } from "vitest";

import { formatToken, TOKEN_BYTES } from "./token.ts";
import { ok, describeProblem, printableName, refuse } from "./result.ts";

test("a problem is described in one line with the field and what was expected", () => {
  expect(describeProblem({ field: "region", expected: "a string" })).toBe("region: expected a string");
});

test("`ok` distinguishes an accepted value from a refusal", () => {
  expect(ok(1)).toEqual({ ok: true, value: 1 });
  expect(refuse("a", "b")).toEqual({ ok: false, error: { field: "a", expected: "b" } });
});

test("a sender's name is shortened and made visible ASCII for a message", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (name) => {
      expect(printableName(name)).toMatch(/^[\x21-\x7e]{0,67}$/);
    }),
  );
  expect(printableName("X-Foo")).toBe("X-Foo");
  expect(printableName("a\r\nb")).toBe("a??b");
});

test.each([
  ["whole", (token: string) => token],
  ["cut off", (token: string) => token.slice(0, 30)],
  ["in a URI", (token: string) => `cpblty://a.test/#${token}`],
  ["after the length of a name that is shown", (token: string) => `${"x".repeat(60)}${token}`],
  ["in lower case", (token: string) => token.toLowerCase()],
  ["with escapes", (token: string) => `%43%50${token.slice(2)}%FF`],
])("a name that holds a token %s is not shown", (_where, holding) => {
  const token = formatToken(Uint8Array.from({ length: TOKEN_BYTES }, (_, i) => i));
  expect(printableName(holding(token))).toBe("[token]");
});

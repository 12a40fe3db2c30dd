import { parseCapabilityUri } from "capability-protocol";
import { expect, test } from "vitest";
import { makeCapability } from "../../test/support/capabilities.ts";
import { parseResolvable } from "./resolvable.ts";

test("only the form that names an authority is accepted, and the message says why the other form is not", () => {
  const uri = makeCapability();
  const token = uri.split("#")[1]!;
  expect(parseResolvable(uri)).toEqual({ ok: true, value: parseCapabilityUri(uri) });
  const expected =
    "a capability URI of the form cpblty://authority/#token; the form cpblty:key:token has no resolver here";
  const key = `cpblty:Vm9n:${token}`;
  for (const text of ["", ` ${uri}`, `${uri}\n`, key]) {
    expect(parseResolvable(text)).toEqual({ ok: false, error: { field: "capability", expected } });
  }
});

test("the message for a token alone, a URL of HTTP, or a capability without its scheme says what to write", () => {
  const uri = makeCapability();
  const form = "a capability URI of the form cpblty://authority/#token";
  const write = "write cpblty://AUTHORITY/#TOKEN";
  for (const [text, found] of [
    [uri.split("#")[1]!, "this is a token alone"],
    [uri.replace("cpblty", "https"), "this is a URL of HTTP"],
    [uri.replace("cpblty://", ""), "this one has no scheme"],
  ] as const) {
    const expected = `${form}; ${found}: ${write}`;
    expect(parseResolvable(text)).toEqual({ ok: false, error: { field: "capability", expected } });
  }
});

test("the message for a truncated capability says how much of its token there is, and repeats nothing of it", () => {
  const uri = makeCapability();
  const [authority = "", token = ""] = uri.split("/#");
  const expectedOf = (text: string): string => {
    const parsed = parseResolvable(text);
    return parsed.ok ? "" : parsed.error.expected;
  };
  const cut = "; this one is truncated: its token has";
  for (const length of [1, 7, 8, 9, 50, 93]) {
    const expected = expectedOf(uri.slice(0, length - token.length));
    expect(
      expected.endsWith(`of the form cpblty://authority/#token${cut} ${length} of 94 characters`),
      String(length),
    ).toBe(true);
  }
  for (const text of [authority, `${authority}/`, `${authority}/#`]) {
    expect(expectedOf(text)).toMatch(/; this one ends before its token$/);
  }
  expect(expectedOf(token.slice(0, 60))).toMatch(
    /; this is only the beginning of a token, 60 of 94 characters$/,
  );
  for (const text of [
    `${uri}A`,
    `${uri.slice(0, -1)}!`,
    `${uri.slice(0, -1)}B`,
    "cpblty://",
    "cpblty://a b/#CPBLTY1-",
  ]) {
    expect(expectedOf(text)).toMatch(/has no resolver here$/);
  }
});

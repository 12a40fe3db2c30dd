import { parseCapabilityUri } from "capability-protocol";
import { expect, test } from "vitest";
import { makeCapability } from "../../test/capabilities.ts";
import { parseResolvable } from "./resolvable.ts";

test("the form that names an authority is accepted, and nothing else; the other form is told apart", () => {
  const uri = makeCapability();
  const token = uri.split("#")[1]!;
  expect(parseResolvable(uri)).toEqual({ ok: true, value: parseCapabilityUri(uri) });
  const expected = "a capability URI of the form cpblty://authority/#token";
  for (const text of ["", token, ` ${uri}`, `${uri}\n`, uri.replace("cpblty", "https")]) {
    expect(parseResolvable(text)).toMatchObject({ ok: false, problem: { expected } });
  }
  expect(parseResolvable(`cpblty:Vm9n:${token}`)).toMatchObject({
    ok: false,
    problem: { expected: `${expected}; the form cpblty:key:token has no resolver here` },
  });
});

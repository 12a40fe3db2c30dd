import { parseCapabilityUri } from "capability-protocol";
import { expect, test } from "vitest";
import { makeCapability } from "../../test/capabilities.ts";
import { parseResolvable } from "./resolvable.ts";

test("the form that names an authority is accepted, and nothing else; why the other form is not stands in the message", () => {
  const uri = makeCapability();
  const token = uri.split("#")[1]!;
  expect(parseResolvable(uri)).toEqual({ ok: true, value: parseCapabilityUri(uri) });
  const expected =
    "a capability URI of the form cpblty://authority/#token; the form cpblty:key:token has no resolver here";
  const key = `cpblty:Vm9n:${token}`;
  for (const text of ["", token, ` ${uri}`, `${uri}\n`, uri.replace("cpblty", "https"), key]) {
    expect(parseResolvable(text)).toEqual({ ok: false, problem: { field: "capability", expected } });
  }
});

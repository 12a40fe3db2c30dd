import { expect, test } from "vitest";
import { withoutCredentials } from "./credential-protocols.ts";

const OPENAI = "openai-insecure-api-key.sk-1";
const KUBERNETES = "base64url.bearer.authorization.k8s.io.abc";

test.each([
  [OPENAI, undefined],
  [`${OPENAI}, ${KUBERNETES}`, undefined],
  [` ,${KUBERNETES},`, undefined],
  [`realtime,${OPENAI} , openai-beta.realtime-v1`, "realtime, openai-beta.realtime-v1"],
  [`v4.channel.k8s.io, ${KUBERNETES}=`, "v4.channel.k8s.io"],
  [`a, ${OPENAI.toUpperCase()}`, "a"],
  [`a, "${OPENAI}"`, "a"],
])("of %j, the protocols that are not a credential remain", (value, rest) => {
  expect(withoutCredentials(value)).toBe(rest);
});

test.each(["realtime", "a,b ,c", "", "openai-insecure-api-key", "my-openai-insecure-api-key.a"])(
  "%j, which holds no credential, stays as it is",
  (value) => {
    expect(withoutCredentials(value)).toBe(value);
  },
);

import { expect, test } from "vitest";
import { endpointOf } from "./endpoint.ts";
import { CapabilityError } from "./error.ts";

const TOKEN = `CPBLTY1-${"a".repeat(85)}A`;

test.each([
  ["example.com", "https://example.com/"],
  ["example.com:8443", "https://example.com:8443/"],
  ["[::1]:8443", "https://[::1]:8443/"],
])("a request with a capability of %s is sent to %s", (authority, url) => {
  expect(endpointOf(`cpblty://${authority}/#${TOKEN}`)).toEqual({ authority, url, token: TOKEN });
});

test.each([
  TOKEN,
  `https://example.com/#${TOKEN}`,
  `cpblty://example.com#${TOKEN}`,
  `cpblty://example.com/path#${TOKEN}`,
  `cpblty://user@example.com/#${TOKEN}`,
  `cpblty://example.com/#${TOKEN} `,
  `cpblty://example.com/#${TOKEN}\n`,
  `cpblty://example.com/#${TOKEN.slice(0, -1)}B`,
])("%j is refused, and the error does not repeat it", (text) => {
  const read = (): unknown => endpointOf(text);
  expect(read).toThrow(CapabilityError);
  expect(read).toThrow("capability: expected a capability URI of the form cpblty://authority/#token");
  expect(read).not.toThrow("aaaa");
});

test.each([undefined, null, 7, {}, [`cpblty://example.com/#${TOKEN}`], new URL("https://example.com")])(
  "%j, which is not a string, is refused",
  (value) => {
    // The types do not constrain callers in JavaScript.
    expect(() => endpointOf(value as string)).toThrow("capability: expected a capability URI");
  },
);

test.each([`cpblty:a2V5:${TOKEN}`, `cpblty:a2V5@scheme:${TOKEN}`])(
  "%s, of the second form, is refused because it has no resolver",
  (text) => {
    expect(() => endpointOf(text)).toThrow("the form cpblty:key:token has no resolver here");
  },
);

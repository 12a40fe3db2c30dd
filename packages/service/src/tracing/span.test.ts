import { expect, test } from "vitest";
import { methodName } from "./span.ts";

test.each(["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"])(
  "the method %s is named as it is",
  (method) => {
    expect(methodName(method)).toBe(method);
  },
);

test.each(["", "get", "GETS", "CANARY", "PROPFIND"])("the method %j is another one", (method) => {
  expect(methodName(method)).toBe("_OTHER");
});

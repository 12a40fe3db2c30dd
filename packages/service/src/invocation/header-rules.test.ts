import { foldHeaderName } from "capability-protocol";
import { expect, test } from "vitest";
import { clientHeaderRule, connectionOptions } from "./header-rules.ts";

test.each([
  ["authorization", "host", "content-length", "expect", "cookie", "via", "cdn-loop"],
  ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"],
  ["proxy-authenticate", "proxy-authentication-info", "proxy-authorization", "http2-settings"],
  ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-", "x-real-ip"],
  ["x-http-method", "x-http-method-override", "x-method-override", "x-original-url", "x-rewrite-url"],
  ["x-payload-sha256", "membrane-operation"],
  [
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "x-remote-user",
    "client-cert",
    "x-forwarded",
    "x-host",
  ],
  ["x-remote-addr", "x-auth-request-user", "x-webauth-user", "x-ssl-client-s-dn", "x-ms-client-principal-id"],
  ["x-arr-clientcert", "x-envoy-original-path", "x-goog-authenticated-user-id", "x-appengine-country"],
  ["x-amzn-oidc-data", "ssl-client-cert", "x-client-cert", "x-client-certificate", "x-sendfile-type"],
  ["x-original-uri", "x-original-host", "x-original-method"],
])("the client's %s, … never reach a target", (...names) => {
  expect(names.filter((name) => clientHeaderRule(name) !== "never")).toEqual([]);
});

test.each([
  "accept",
  "content-type",
  "range",
  "if-none-match",
  "user-agent",
  "x-forwardedfor",
  "x-original-filename",
  "client-certificate",
  "x-auth-level",
  "x-envoyage",
  "x-arrival",
  "x-remotely",
  "x-client-id",
  "x-anything",
  "origin",
])("the client's %s may reach a target", (name) => {
  expect(clientHeaderRule(name)).toBe("pass");
});

test.each([
  ["X-Api-Key", "x-api-key"],
  ["X_Api_Key", "x-api-key"],
  ["x-api_KEY", "x-api-key"],
  ["X.Api.Key", "x-api-key"],
  ["X!api#key$%&'*+^`|~", "x-api-key----------"],
  ["__proto__", "--proto--"],
])("%s counts as %s", (name, folded) => {
  expect(foldHeaderName(name)).toBe(folded);
});

test("all names of all Connection lines are found, in any case, and nothing else", () => {
  const found = connectionOptions([
    "Connection",
    "close , X-A,,x-b",
    "X-C",
    "x-d",
    "CONNECTION",
    "X-E",
    "Connectiox",
    "y",
  ]);
  expect([...found].filter((name) => name !== "")).toEqual(["close", "x-a", "x-b", "x-e"]);
  expect(connectionOptions(["X-C", "connection"]).size).toBe(0);
});

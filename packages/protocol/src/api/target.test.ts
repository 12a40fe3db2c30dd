import { expect, test } from "vitest";

import { parseExportRequest } from "./export.ts";
import { readTargetUri } from "./target-uri.ts";

const URI = "https://example.com/";
const AWS4 = {
  awsAccessKeyId: "AKIDEXAMPLE",
  region: "us-east-1",
  service: "lambda",
  secretAccessKey: "secret/+=",
};
const CAP1 = { key: "mySecret", keyId: "someId" };
const PEM = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";

function target(fields: object): unknown {
  return parseExportRequest({ uri: URI, ...fields });
}

function expectTarget(fields: object, expected: object): void {
  const value = {
    kind: "target",
    target: { uri: readTargetUri(URI), headers: [], allowQuery: false, ...expected },
  };
  expect(target(fields)).toEqual({ ok: true, value });
}

function expectRefused(parsed: unknown, field: string): void {
  expect(parsed).toMatchObject({ ok: false, error: { field } });
}

test("a URI alone is a target without headers that allows no query", () => {
  expectTarget({}, {});
});

test("the Lambda target of the documentation is accepted with all its fields", () => {
  expectTarget(
    {
      method: "POST",
      allowQuery: false,
      headers: { "X-Amz-Invocation-Type": "RequestResponse", "X-Amz-Log-Type": "None" },
      hmac: { "aws4-hmac-sha256": AWS4 },
    },
    {
      method: "POST",
      headers: [
        ["X-Amz-Invocation-Type", "RequestResponse"],
        ["X-Amz-Log-Type", "None"],
      ],
      hmac: { scheme: "aws4-hmac-sha256", ...AWS4 },
    },
  );
});

test("a field that is undefined counts as absent", () => {
  expectTarget({ method: undefined, headers: undefined, hmac: undefined, tls: undefined }, {});
  expectTarget({ capability: undefined, unknown: undefined }, {});
});

test("every other field is returned in its parsed form", () => {
  expectTarget({ method: "m-search" }, { method: "M-SEARCH" });
  expectTarget({ allowQuery: true, timeoutMs: 1 }, { allowQuery: true, timeoutMs: 1 });
  expectTarget({ tls: {} }, { tls: {} });
  const tls = { ca: PEM, cert: PEM, key: PEM, rejectUnauthorized: false };
  expectTarget({ tls }, { tls });
  const session = { ...AWS4, sessionToken: "a/b+c==" };
  expectTarget(
    { hmac: { "aws4-hmac-sha256": session } },
    { hmac: { scheme: "aws4-hmac-sha256", ...session } },
  );
  expectTarget({ hmac: { "cap1-hmac-sha512": CAP1 } }, { hmac: { scheme: "cap1-hmac-sha512", ...CAP1 } });
});

const WRONG_ANYWHERE = [null, 0, 1.5, "", [], ["a"], { a: 1 }, true, "\0", "a\nb"];

/** For each field, values of a wrong type or outside its limits. */
const WRONG: Record<string, readonly unknown[]> = {
  method: [...WRONG_ANYWHERE, "CONNECT", "connect", "TRACE", "FOO", "GET "],
  headers: [null, 0, "", [], true, [["a", "b"]]],
  allowQuery: [null, 0, 1, "", "true", [], {}],
  timeoutMs: [null, 0, -1, 1.5, "1", [], {}, true, 2 ** 53, Number.POSITIVE_INFINITY, Number.NaN],
  hmac: [null, 0, "", [], true, {}, { "aws4-hmac-sha256": AWS4, "cap1-hmac-sha512": CAP1 }],
  tls: [null, 0, "", [], true],
};

const WRONG_MEMBERS: Record<string, readonly unknown[]> = {
  "tls.ca": [...WRONG_ANYWHERE, "-----BEGIN", Buffer.from(PEM).toString("base64")],
  "tls.cert": [...WRONG_ANYWHERE, "no PEM"],
  "tls.key": [...WRONG_ANYWHERE, "no PEM"],
  "tls.rejectUnauthorized": [null, 0, 1, "", "false", [], {}],
  "tls.socketPath": ["/var/run/docker.sock"],
  "tls.servername": ["internal"],
  "tls.lookup": [{}],
  "tls.checkServerIdentity": [null],
  "hmac.hmac-md5": [{}],
  "headers.X-Foo": [null, 0, [], ["a"], {}, true, "a\r\nb", "a\rb", "a\nb", "a\0b", "\u0100", "𝄞", "\u0001"],
};

const WRONG_AWS4: Record<string, readonly unknown[]> = {
  awsAccessKeyId: [...WRONG_ANYWHERE, undefined, "a".repeat(129), "a-b", "a/b", "é"],
  region: [...WRONG_ANYWHERE, undefined, "a".repeat(129), "a/b", "a,b", "a=b", "a b", "é"],
  service: [...WRONG_ANYWHERE, undefined, "a".repeat(129), "a/b", "a,b", "a=b", "a b", "é"],
  secretAccessKey: [...WRONG_ANYWHERE, undefined, "a".repeat(257), "a\u0085b", "\ud800"],
  sessionToken: [...WRONG_ANYWHERE, "a".repeat(8193), "a b", "é"],
  unknown: ["a"],
};

const WRONG_CAP1: Record<string, readonly unknown[]> = {
  key: [...WRONG_ANYWHERE, undefined, "ab=", "a+b", "a/b", "a b", "abcde", "é"],
  keyId: [...WRONG_ANYWHERE, undefined, "a".repeat(257), "a,b", "a/b", "a b", "é"],
  unknown: ["a"],
};

const WRONG_CASES: readonly (readonly [field: string, body: object])[] = [
  ...Object.entries(WRONG).flatMap(([field, values]) =>
    values.map((value) => [field, { [field]: value }] as const),
  ),
  ...Object.entries(WRONG_MEMBERS).flatMap(([path, values]) => {
    const [outer = "", inner = ""] = path.split(".");
    return values.map((value) => [path, { [outer]: { [inner]: value } }] as const);
  }),
  ...Object.entries(WRONG_AWS4).flatMap(([name, values]) =>
    values.map((value) => {
      const hmac = { "aws4-hmac-sha256": { ...AWS4, [name]: value } };
      return [`hmac.aws4-hmac-sha256.${name}`, { hmac }] as const;
    }),
  ),
  ...Object.entries(WRONG_CAP1).flatMap(([name, values]) =>
    values.map((value) => {
      const hmac = { "cap1-hmac-sha512": { ...CAP1, [name]: value } };
      return [`hmac.cap1-hmac-sha512.${name}`, { hmac }] as const;
    }),
  ),
];

test.each(WRONG_CASES)("a wrong %s is refused under its own name: %j", (field, body) => {
  expectRefused(target(body), field);
});

test.each([
  ["hmac.aws4-hmac-sha256", { hmac: { "aws4-hmac-sha256": null } }],
  ["hmac.cap1-hmac-sha512", { hmac: { "cap1-hmac-sha512": [] } }],
  ["unknown", { unknown: 1 }],
  ["Method", { Method: "GET" }],
  ["__proto__", JSON.parse('{"__proto__": {"method": "GET"}}')],
  ["tls.__proto__", { tls: JSON.parse('{"__proto__": {"ca": "x"}}') }],
  ["tls.key", { tls: { cert: PEM } }],
  ["tls.cert", { tls: { key: PEM } }],
])("%s is refused by its path", (field, body) => {
  const fields = Object.entries(body);
  expectRefused(parseExportRequest(Object.fromEntries([["uri", URI], ...fields])), field);
});

test.each([
  ["a limit of 128", "region"],
  ["a limit of 128", "service"],
  ["a limit of 128", "awsAccessKeyId"],
])("%s characters is enforced for %s", (_, field) => {
  const longest = { ...AWS4, [field]: "a".repeat(128) };
  expectTarget(
    { hmac: { "aws4-hmac-sha256": longest } },
    { hmac: { scheme: "aws4-hmac-sha256", ...longest } },
  );
});

test("the longest secret, session token and key id are accepted", () => {
  const aws4 = { ...AWS4, secretAccessKey: "a".repeat(256), sessionToken: "a".repeat(8192) };
  expectTarget({ hmac: { "aws4-hmac-sha256": aws4 } }, { hmac: { scheme: "aws4-hmac-sha256", ...aws4 } });
  const cap1 = { key: "a".repeat(400), keyId: "a".repeat(256) };
  expectTarget({ hmac: { "cap1-hmac-sha512": cap1 } }, { hmac: { scheme: "cap1-hmac-sha512", ...cap1 } });
});

test.each(["Authorization", "authorization"])("hmac together with the header %s is refused", (name) => {
  for (const hmac of [{ "aws4-hmac-sha256": AWS4 }, { "cap1-hmac-sha512": CAP1 }]) {
    expectRefused(target({ headers: { [name]: "Bearer x" }, hmac }), `headers.${name}`);
  }
  expectTarget({ headers: { [name]: "Bearer x" } }, { headers: [[name, "Bearer x"]] });
});

test.each(["?a=b=c", "?a", "?a=1&", "?a=%ff", "?=", "?a=1"])(
  "cap1 accepts the target query %j only if the signature protects all of it",
  (query) => {
    const parsed = parseExportRequest({
      uri: `${URI}${query}`,
      hmac: { "cap1-hmac-sha512": CAP1 },
    });
    if (["?=", "?a=1"].includes(query)) expect(parsed).toMatchObject({ ok: true });
    else expectRefused(parsed, "uri");
    expect(parseExportRequest({ uri: `${URI}${query}` })).toMatchObject({ ok: true });
  },
);

test("cap1 refuses a target's path that it could not decode when a request is signed", () => {
  for (const path of ["%ff", "%zz", "%", "a%E9"]) {
    const uri = `${URI}${path}`;
    expectRefused(parseExportRequest({ uri, hmac: { "cap1-hmac-sha512": CAP1 } }), "uri");
    expect(parseExportRequest({ uri })).toMatchObject({ ok: true });
  }
});

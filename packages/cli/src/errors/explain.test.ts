import { CapabilityError, Membrane } from "capability-sdk";
import { expect, test } from "vitest";
import { makeCapability } from "../../test/support/capabilities.ts";
import { describeField } from "./field-option.ts";
import { CliError } from "./cli-error.ts";
import { NARROWING_OPTIONS } from "../commands/membrane/export/narrowing-options.ts";
import { TARGET_OPTIONS } from "../commands/membrane/export/target-options.ts";
import { adviseOnConnection } from "./connection-advice.ts";
import { explainRequestError } from "./explain.ts";
import { toCliError } from "./to-cli-error.ts";

const CONTEXT = {
  authority: "localhost:8443",
  right: "create",
  profile: undefined,
  sourceProfile: undefined,
  id: "my membrane",
};

function refused(statusCode: number, error: string, code: string, message = "why"): CliError {
  const failure = explainRequestError(new CapabilityError({ statusCode, error, message, code }), CONTEXT);
  expect(failure).toBeInstanceOf(CliError);
  return failure as CliError;
}

test.each([
  [401, "Unauthorized", "unauthorized", "revoked"],
  [409, "Conflict", "membrane_exists", "capi membrane query --id 'my membrane'"],
  [409, "Conflict", "lineage_too_large", "too many ancestors"],
  [409, "Conflict", "membrane_quota_exceeded", "Revoke a membrane"],
  [409, "Conflict", "tenant_quota_exceeded", "Revoke a membrane"],
  [409, "Conflict", "service_quota_exceeded", "Delete a tenant"],
  [400, "Bad Request", "not_delegable", "ask them for a separate one"],
  [400, "Bad Request", "wrong_capability", "this needs one to create"],
  [400, "Bad Request", "invalid_field", "capi membrane create --help"],
  [405, "Method Not Allowed", "method_not_allowed", "one to create"],
  [413, "Payload Too Large", "body_too_large", "larger than the service accepts"],
  [429, "Too Many Requests", "rate_limited", "Try again"],
  [429, "Too Many Requests", "too_many_auth_failures", "try again in a minute"],
  [409, "Conflict", "membrane_storage_exceeded", "Revoke a membrane"],
  [503, "Service Unavailable", "service_overloaded", "Try again"],
  [
    503,
    "Service Unavailable",
    "store_unavailable",
    "use may have been counted. If the uses of the capability are not limited, it is safe to retry",
  ],
  [
    503,
    "Service Unavailable",
    "store_failed",
    "use may have been counted. If the uses of the capability are not limited, it is safe to retry",
  ],
  [503, "Service Unavailable", "store_full", "must free space"],
  [503, "Service Unavailable", "audit_unavailable", "the disk of the audit trail"],
  [503, "Service Unavailable", "revocations_unknown", "The target may have received it"],
  [503, "Service Unavailable", "service_stopping", "The target may have received it"],
  [429, "Too Many Requests", "quota_exhausted", "permit no more uses until then"],
  [500, "Internal Server Error", "internal_error", "its log"],
])("the error for %i %s (%s) names it and says what to do: %s", (status, error, code, next) => {
  const failure = refused(status, error, code);
  expect(failure.message).toBe(code === "invalid_field" ? "why" : `${status} ${error}: why`);
  expect(failure.hint).toContain(next);
});

test("the error for a 401 names the profile of the capability, and no profile when it came from none", () => {
  const body = { statusCode: 401, error: "Unauthorized", message: "why", code: "unauthorized" };
  const next = (more: object) =>
    (explainRequestError(new CapabilityError(body), { ...CONTEXT, ...more }) as CliError).hint;
  expect(next({ sourceProfile: "my work" })).toContain(
    "It comes from the profile 'my work': capi config configure --profile 'my work' ",
  );
  expect(next({ profile: "work" })).not.toContain("profile");
});

test("a field of the limits that does not belong there is no sign of a capability of another kind", () => {
  const message = "limits.maxUsesEveryMs: expected maxUses with it";
  expect(refused(400, "Bad Request", "invalid_field", message).hint).toBe(
    '"capi membrane create --help" lists its options.',
  );
});

const FILE = { name: "limits.json", fields: new Set(["methods", "query", "maxUsesEveryMs"]) };

test.each([
  ["limits.methods[0]: expected an HTTP method", "--from limits.json: methods[0]: expected an HTTP method"],
  ["limits.query.a:b.c: expected true", "--from limits.json: query.a:b.c: expected true"],
  [
    "limits.maxUsesEveryMs: expected maxUses with it",
    "--from limits.json: maxUsesEveryMs: expected maxUses with it",
  ],
])("an error in a limit that came from a file names the file and the place: %s", (message, shown) => {
  const body = { statusCode: 400, error: "Bad Request", message, code: "invalid_field" };
  const failure = explainRequestError(new CapabilityError(body), {
    ...CONTEXT,
    limitsFile: FILE,
  }) as CliError;
  expect(failure.message).toBe(shown);
  expect(failure.hint).toContain("Its form is that of the field limits");
});

test("an error in a limit without an option names the preset, if the export has one, and --from otherwise", () => {
  const field = "limits.requests[0].paths[1]";
  const source = { right: "export", limitsFile: undefined };
  expect(describeField(field, { ...source, preset: "openai" })).toBe(`--preset openai (${field})`);
  expect(describeField(field, source)).toBe(`--from (${field})`);
});

test("an error in a limit that an option gave names the option, even if there is a file", () => {
  const body = {
    statusCode: 400,
    error: "Bad Request",
    message: "limits.paths[0]: expected a",
    code: "invalid_field",
  };
  const failure = explainRequestError(new CapabilityError(body), {
    ...CONTEXT,
    limitsFile: FILE,
  }) as CliError;
  expect(failure.message).toBe("--path (limits.paths[0]): expected a");
  expect(failure.hint).toContain("--help");
});

test("an error about all limits together names no option", () => {
  const message = "limits: expected at most 65536 characters of JSON";
  expect(refused(400, "Bad Request", "invalid_field", message).message).toBe(message);
});

test("a field that only the service does not know is reported as one that is newer than the service", () => {
  for (const expected of ["one of the fields uri, method", "no such field; the fields are uri, method"]) {
    const message = `limits: expected ${expected}`;
    expect(refused(400, "Bad Request", "invalid_field", message).hint).toContain("older than capi");
  }
});

test("an address that the service does not connect to is reported with the flag of the service", () => {
  const message = "uri: expected an address that this service may connect to (--allow-target)";
  expect(refused(400, "Bad Request", "invalid_field", message).hint).toContain(
    '"membrane serve --allow-target',
  );
});

test.each(["tls.ca", "tls.cert", "tls.key"])(
  "a %s that is no PEM may be the name of a file without its @",
  (field) => {
    const message = `${field}: expected PEM of at most 65536 characters`;
    expect(refused(400, "Bad Request", "invalid_field", message).hint).toContain("write @FILE");
  },
);

test("an unknown field in the body is reported as a capability of another kind", () => {
  expect(
    refused(400, "Bad Request", "invalid_field", "id: expected one of the fields uri, …").hint,
  ).toContain("of another kind");
});

test.each([
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "localhost:8443", "--cacert FILE"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "localhost:8443", "tls/ca.pem"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "localhost:8443", "capi config configure --cacert FILE"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "untrusted", "--cacert FILE"],
  ["UNABLE_TO_GET_ISSUER_CERT", "untrusted", "--cacert FILE"],
  ["CERT_SIGNATURE_FAILURE", "untrusted", "--cacert FILE"],
  ["CERT_HAS_EXPIRED", "has expired", "clock"],
  ["CERT_NOT_YET_VALID", "not valid yet", "clock"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "another name", "--authority localhost:8443"],
  ["EPROTO", "does not speak TLS", "--no-tls"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "does not speak TLS", "--no-tls"],
  ["HPE_INVALID_CONSTANT", "does not speak HTTP", "authority"],
  ["ECONNREFUSED", "nothing listens at localhost:8443", "membrane serve"],
  ["ENOTFOUND", "cannot resolve", "name servers"],
  ["EAI_AGAIN", "cannot resolve", "name servers"],
  ["ETIMEDOUT", "in time", "may have taken effect"],
  ["ABORT_ERR", "in time", "may have taken effect"],
  ["EHOSTUNREACH", "no route", "connection"],
  ["ECONNRESET", "closed the connection", "may have taken effect"],
  ["E_SOMETHING_ELSE", "E_SOMETHING_ELSE", "membrane doctor"],
])("the error for a missing response, %s: %s, %s", (code, message, next) => {
  const cause = Object.assign(new Error("secret detail"), { code });
  const error = { statusCode: 0, error: "Request failed", message: "x", code: "request_failed" };
  for (const thrown of [cause, new CapabilityError(error, { cause })]) {
    const failure = explainRequestError(thrown, CONTEXT) as CliError;
    expect(failure.message).toContain(message);
    expect(failure.message).not.toContain("secret detail");
    expect(failure.hint).toContain(next);
  }
});

test("the suggested command has the named profile, and the message the default port where none was given", () => {
  const context = { ...CONTEXT, authority: "a.test", profile: "my work" };
  expect(adviseOnConnection("CERT_UNTRUSTED", context).hint).toContain("--profile 'my work' --cacert");
  expect(adviseOnConnection("ECONNREFUSED", context).message).toContain("a.test:443");
});

test("an invalid response is reported as a fault of the service, not of the user", () => {
  const body = { statusCode: 200, error: "Parsing response failed", message: "x", code: "invalid_response" };
  const failure = explainRequestError(new CapabilityError(body), CONTEXT) as CliError;
  expect(failure.message).toBe("localhost:8443 responded with 200, but not like a Membrane Service");
});

test("an unexpected error shows its class, and nothing of its message", () => {
  const failure = toCliError(new TypeError("cannot read secret"));
  expect(failure.message).toContain("TypeError");
  expect(failure.message).not.toContain("secret");
  expect(failure.hint).toBeTruthy();
});

/** A body with one invalid field, and the option for that field. */
const FIELDS: readonly (readonly [body: object, option: string])[] = [
  [{ uri: "ftp://a.test" }, "--uri"],
  [{ method: "NO SUCH" }, "--method"],
  [{ headers: { Host: "x" } }, "--header Host"],
  [{ timeoutMs: 0 }, "--timeout-ms"],
  ...["awsAccessKeyId", "region", "service", "secretAccessKey", "sessionToken"].map((field) => {
    const right = { awsAccessKeyId: "A", region: "r", service: "s", secretAccessKey: "k" };
    const option = `--aws4-hmac-sha256-${field.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;
    return [{ hmac: { "aws4-hmac-sha256": { ...right, [field]: "\n" } } }, option] as const;
  }),
  [{ hmac: { "cap1-hmac-sha512": { key: "\n", keyId: "k" } } }, "--cap1-hmac-sha512-key"],
  [{ hmac: { "cap1-hmac-sha512": { key: "aaaa", keyId: "\n" } } }, "--cap1-hmac-sha512-key-id"],
  [{ tls: { ca: "x" } }, "--tls-ca"],
  [{ tls: { cert: "x" } }, "--tls-cert"],
  [{ tls: { key: "x" } }, "--tls-key"],
  [{ tls: { rejectUnauthorized: 1 } }, "--tls-reject-unauthorized"],
  [{ allowQuery: 1 }, "--allow-query"],
  [{ allowQuery: ["a", ""] }, "--allow-query-key (allowQuery[1])"],
  [{ allowPath: 1 }, "--allow-path"],
  [{ allowHeaders: ["a", "Host"] }, "--allow-header (allowHeaders[1])"],
  [{ encodedSlash: true }, "--encoded-slash"],
  [{ emptySegments: true }, "--empty-segments"],
  [{ label: "\n" }, "--label"],
  [{ limits: { ttlMs: 0 } }, "--expires-in (limits.ttlMs)"],
  [{ limits: { expiresAt: "soon" } }, "--expires-at (limits.expiresAt)"],
  [{ limits: { notBefore: "soon" } }, "--not-before (limits.notBefore)"],
  [{ limits: { maxUses: 0 } }, "--max-uses (limits.maxUses)"],
  [{ limits: { maxUses: 1, maxUsesEveryMs: 1 } }, "--max-uses-every (limits.maxUsesEveryMs)"],
  [{ limits: { methods: ["GET", "NONE"] } }, "--methods (limits.methods[1])"],
  [{ limits: { paths: ["/", "a"] } }, "--path (limits.paths[1])"],
  [{ limits: { maxBodyBytes: -1 } }, "--max-body-bytes (limits.maxBodyBytes)"],
  [{ limits: { clientCidrs: ["localhost"] } }, "--client-cidr (limits.clientCidrs[0])"],
  [{ limits: { delegable: true } }, "--delegable (limits.delegable)"],
  [{ limits: { query: { "a: b": 1 } } }, "--from (limits.query.a:?b)"],
  [{ limits: { headers: { Host: true } } }, "--from (limits.headers.Host)"],
  [{ limits: { requests: [{ query: { a: 1 } }] } }, "--from (limits.requests[0].query.a)"],
];

test.each(FIELDS)("the error in %j names the option %s", async (fields, option) => {
  const body = { uri: "https://a.test/", ...fields } as any;
  const error: unknown = await new Membrane()
    .export(makeCapability(), body)
    .catch((caught: unknown) => caught);
  const failure = explainRequestError(error, { ...CONTEXT, right: "export" }) as CliError;
  expect(failure.message.startsWith(`${option}: expected `), failure.message).toBe(true);
});

test("the table above has every option of a target and of limits", () => {
  const named = new Set(FIELDS.map(([, option]) => option.split(" ")[0]));
  expect([...named].toSorted()).toEqual(
    Object.keys({ ...TARGET_OPTIONS, ...NARROWING_OPTIONS })
      .map((name) => `--${name}`)
      .toSorted(),
  );
});

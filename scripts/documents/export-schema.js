import {
  MAX_CAP1_KEY_LENGTH,
  MAX_HEADERS,
  MAX_HEADER_NAME_LENGTH,
  MAX_HEADER_VALUE_LENGTH,
  MAX_PEM_LENGTH,
  MAX_URI_LENGTH,
} from "../../packages/protocol/dist/bounds.js";
import { FORBIDDEN_HEADERS } from "../../packages/protocol/dist/api/target-headers.js";
import { FORWARDABLE_METHODS } from "../../packages/protocol/dist/http-syntax.js";
import {
  MAX_DURATION_MS,
  MAX_ENTRIES,
  MAX_LABEL_LENGTH,
  MAX_PATH_PATTERN_LENGTH,
  MAX_REQUESTS,
  MAX_TEXT_LENGTH,
  MIN_WINDOW_MS,
} from "../../packages/protocol/dist/bounds.js";
import { NEVER_OPENED } from "../../packages/protocol/dist/openings/header-names.js";
import { S3_SERVICES } from "../../packages/protocol/dist/signers/aws4-canonical.js";

/** @typedef {Readonly<Record<string, unknown>>} Schema */

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
/** Neither control characters nor lone surrogates. */
const TEXT = "^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]*$";
const SCOPE_PART = { type: "string", pattern: "^(?!.*[/,=])[!-~]{1,128}$" };

/** A regular expression for a text in any case: JSON Schema has no flags. @param {string} text */
function anyCase(text) {
  return text.replaceAll(/[a-z]/gi, (letter) => `[${letter.toUpperCase()}${letter.toLowerCase()}]`);
}

/** @param {Iterable<string>} texts */
function oneOfTexts(texts) {
  return [...texts].toSorted().map(anyCase).join("|");
}

/** A regular expression for all names that fold to this one. @param {string} name */
function anySpelling(name) {
  return anyCase(name).replaceAll("-", "[^A-Za-z0-9]");
}

/** @param {Iterable<string>} names */
function headerNameExcept(names) {
  return { maxLength: MAX_HEADER_NAME_LENGTH, pattern: `^(?!(?:${[...names].join("|")})$)${TOKEN}$` };
}

const CLIENT_HEADER_NAME = headerNameExcept([...NEVER_OPENED].toSorted().map(anySpelling));
const TARGET_HEADER_NAME = headerNameExcept([oneOfTexts(FORBIDDEN_HEADERS)]);

/** @param {Schema} items @param {number} [max] */
function listOf(items, max = MAX_ENTRIES) {
  return { type: "array", minItems: 1, maxItems: max, items };
}

/** @param {Record<string, Schema>} properties @param {Schema} [rules] */
function objectOf(properties, rules = {}) {
  return { type: "object", additionalProperties: false, properties, ...rules };
}

/** @param {number} minimum @param {number} [maximum] */
function integer(minimum, maximum = Number.MAX_SAFE_INTEGER) {
  return { type: "integer", minimum, maximum };
}

/** @param {number} min @param {number} max */
function text(min, max) {
  return { type: "string", minLength: min, maxLength: max, pattern: TEXT };
}

/** Each `*` is a whole part, and `**` the whole last segment; every other character is canonical. */
const PATH_PATTERN = (() => {
  const escape = "%(?:2[0-9A-CF]|3[A-F]|40|5[BDE]|60|7[BCD]|[89A-F][0-9A-F])";
  const part = `(?:\\*|(?:[!$&'()+,.0-9:;=@A-Z[\\]_a-z~-]|${escape})*)`;
  return `^(?:/${part}(?:%2F${part})*)*(?:/\\*\\*)?$`;
})();

const TIME =
  "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\\.[0-9]{1,16})?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$";
const CIDR = "^[0-9A-Fa-f:.]{2,45}(?:/(?:0|[1-9][0-9]{0,2}))?$";

const LISTED_TEXT = text(0, MAX_TEXT_LENGTH);
const QUERY_KEY = text(1, MAX_TEXT_LENGTH);

const METHODS = listOf({ enum: [...FORWARDABLE_METHODS] });
const PATHS = listOf({
  type: "string",
  minLength: 1,
  maxLength: MAX_PATH_PATTERN_LENGTH,
  pattern: PATH_PATTERN,
});
const QUERY = {
  type: "object",
  maxProperties: MAX_ENTRIES,
  propertyNames: QUERY_KEY,
  additionalProperties: {
    anyOf: [
      { const: true },
      listOf({
        anyOf: [LISTED_TEXT, objectOf({ startsWith: QUERY_KEY }, { required: ["startsWith"] })],
      }),
    ],
  },
};
const HEADERS = {
  type: "object",
  maxProperties: MAX_ENTRIES,
  propertyNames: CLIENT_HEADER_NAME,
  additionalProperties: { anyOf: [{ const: true }, listOf(LISTED_TEXT)] },
};

const REQUEST_LIMIT = {
  methods: { $ref: "#/$defs/methods" },
  paths: { $ref: "#/$defs/paths" },
  query: { $ref: "#/$defs/query" },
  headers: { $ref: "#/$defs/headers" },
};

const LIMITS = objectOf(
  {
    expiresAt: { $ref: "#/$defs/time" },
    ttlMs: integer(1, MAX_DURATION_MS),
    notBefore: { $ref: "#/$defs/time" },
    maxUses: integer(1),
    maxUsesEveryMs: integer(MIN_WINDOW_MS, MAX_DURATION_MS),
    ...REQUEST_LIMIT,
    requests: listOf(objectOf(REQUEST_LIMIT, { minProperties: 1 }), MAX_REQUESTS),
    maxBodyBytes: integer(0),
    clientCidrs: listOf({ type: "string", pattern: CIDR }),
    delegable: { const: false },
  },
  {
    dependentRequired: { maxUsesEveryMs: ["maxUses"] },
    not: { required: ["expiresAt", "ttlMs"] },
  },
);

const AWS4 = objectOf(
  {
    awsAccessKeyId: { type: "string", pattern: "^[0-9A-Za-z_]{1,128}$" },
    region: SCOPE_PART,
    service: SCOPE_PART,
    secretAccessKey: text(1, 256),
    sessionToken: { type: "string", pattern: "^[!-~]{1,8192}$" },
  },
  { required: ["awsAccessKeyId", "region", "service", "secretAccessKey"] },
);
const CAP1 = objectOf(
  {
    key: {
      type: "string",
      maxLength: MAX_CAP1_KEY_LENGTH,
      pattern: "^(?:[0-9A-Za-z_-]{4})*(?:[0-9A-Za-z_-]{2,4})$",
    },
    keyId: { type: "string", pattern: "^(?!.*[/,])[!-~]{1,256}$" },
  },
  { required: ["key", "keyId"] },
);
const PEM = {
  type: "string",
  maxLength: MAX_PEM_LENGTH,
  pattern: "-----BEGIN [A-Z0-9 ]{1,64}-----",
};

const TARGET_PROPERTIES = {
  uri: {
    type: "string",
    maxLength: MAX_URI_LENGTH,
    pattern: `^${anyCase("http")}[Ss]?://[^/?#@\\\\\\s]+[^#\\\\\\s]*$`,
  },
  method: { type: "string", pattern: `^(?:${oneOfTexts(FORWARDABLE_METHODS)})$` },
  headers: {
    type: "object",
    maxProperties: MAX_HEADERS,
    propertyNames: TARGET_HEADER_NAME,
    additionalProperties: {
      type: "string",
      maxLength: MAX_HEADER_VALUE_LENGTH,
      pattern: "^[\\t\\x20-\\x7e\\x80-\\xff]*$",
    },
  },
  allowPath: { type: "boolean" },
  allowQuery: { anyOf: [{ type: "boolean" }, listOf(QUERY_KEY)] },
  allowHeaders: listOf({ type: "string", ...CLIENT_HEADER_NAME }),
  encodedSlash: { type: "boolean" },
  emptySegments: { type: "boolean" },
  timeoutMs: integer(1),
  hmac: objectOf(
    { "aws4-hmac-sha256": AWS4, "cap1-hmac-sha512": CAP1 },
    { minProperties: 1, maxProperties: 1 },
  ),
  tls: objectOf(
    { ca: PEM, cert: PEM, key: PEM, rejectUnauthorized: { type: "boolean" } },
    { dependentRequired: { cert: ["key"], key: ["cert"] } },
  ),
};

const NARROWING = {
  limits: { $ref: "#/$defs/limits" },
  label: text(0, MAX_LABEL_LENGTH),
};

/** A rule for bodies of a certain form. @param {Schema} form @param {Schema} rule */
function when(form, rule) {
  return { anyOf: [{ not: form }, rule] };
}

/** @param {string} name */
function isTrue(name) {
  return { required: [name], properties: { [name]: { const: true } } };
}

const NEEDS_PATH = isTrue("allowPath");
const NOT_OTHER_AWS_SERVICE = {
  properties: {
    hmac: { properties: { "aws4-hmac-sha256": { properties: { service: { enum: [...S3_SERVICES] } } } } },
  },
};
const NO_AUTHORIZATION = {
  properties: {
    headers: { propertyNames: { not: { pattern: `^${anyCase("authorization")}$` } } },
  },
};

const TARGET = objectOf(
  { ...TARGET_PROPERTIES, ...NARROWING },
  {
    required: ["uri"],
    allOf: [
      when(isTrue("encodedSlash"), NEEDS_PATH),
      when(isTrue("emptySegments"), { allOf: [NEEDS_PATH, NOT_OTHER_AWS_SERVICE] }),
      when({ required: ["hmac"] }, NO_AUTHORIZATION),
    ],
  },
);

const REEXPORT = objectOf(
  {
    capability: { type: "string", pattern: "^cpblty://[^/#@]+/#CPBLTY1-[A-Za-z0-9_-]{85}[AQgw]$" },
    ...NARROWING,
  },
  { required: ["capability"] },
);

/** The JSON Schema of the body of an export. */
export const EXPORT_SCHEMA = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "Body of a POST to an export capability of a Membrane Service",
  type: "object",
  anyOf: [{ $ref: "#/$defs/target" }, { $ref: "#/$defs/reexport" }],
  $defs: {
    target: TARGET,
    reexport: REEXPORT,
    limits: LIMITS,
    methods: METHODS,
    paths: PATHS,
    query: QUERY,
    headers: HEADERS,
    time: { type: "string", pattern: TIME },
  },
};

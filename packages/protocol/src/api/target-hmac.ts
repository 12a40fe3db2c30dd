import { MAX_CAP1_KEY_LENGTH } from "../bounds.ts";
import { type TextRule, parseFields, parseOptionalText, parseText } from "../json/fields.ts";
import { type Parsed, ok, refuse } from "../result.ts";
import type { HmacConfiguration } from "../signers/configuration.ts";

type SchemeParser = (value: unknown, path: string) => Parsed<HmacConfiguration>;

const SCHEMES: ReadonlyMap<string, SchemeParser> = new Map(
  Object.entries<SchemeParser>({
    "aws4-hmac-sha256": parseAws4,
    "cap1-hmac-sha512": parseCap1,
  } satisfies Record<HmacConfiguration["scheme"], SchemeParser>),
);

/** Reads `{scheme: credentials}` with exactly one scheme. */
export function parseHmac(value: unknown): Parsed<HmacConfiguration | undefined> {
  if (value === undefined) return ok(undefined);
  const names = [...SCHEMES.keys()];
  const fields = parseFields(value, "hmac", names);
  if (!fields.ok) return fields;
  const [[scheme, credentials] = ["", undefined], ...others] = fields.value;
  const parse = SCHEMES.get(scheme);
  if (parse === undefined || others.length > 0) return refuse("hmac", `exactly one of ${names.join(", ")}`);
  return parse(credentials, `hmac.${scheme}`);
}

function parseAws4(value: unknown, path: string): Parsed<HmacConfiguration> {
  const fields = parseFields(value, path, AWS4_FIELDS);
  if (!fields.ok) return fields;
  const awsAccessKeyId = parseText(
    fields.value.get("awsAccessKeyId"),
    `${path}.awsAccessKeyId`,
    ACCESS_KEY_ID,
  );
  if (!awsAccessKeyId.ok) return awsAccessKeyId;
  const region = parseText(fields.value.get("region"), `${path}.region`, SCOPE_PART);
  if (!region.ok) return region;
  const service = parseText(fields.value.get("service"), `${path}.service`, SCOPE_PART);
  if (!service.ok) return service;
  const secretAccessKey = parseText(
    fields.value.get("secretAccessKey"),
    `${path}.secretAccessKey`,
    SECRET_ACCESS_KEY,
  );
  if (!secretAccessKey.ok) return secretAccessKey;
  const sessionToken = parseOptionalText(
    fields.value.get("sessionToken"),
    `${path}.sessionToken`,
    SESSION_TOKEN,
  );
  if (!sessionToken.ok) return sessionToken;
  return ok({
    scheme: "aws4-hmac-sha256",
    awsAccessKeyId: awsAccessKeyId.value,
    region: region.value,
    service: service.value,
    secretAccessKey: secretAccessKey.value,
    ...(sessionToken.value !== undefined && { sessionToken: sessionToken.value }),
  });
}

function parseCap1(value: unknown, path: string): Parsed<HmacConfiguration> {
  const fields = parseFields(value, path, ["key", "keyId"]);
  if (!fields.ok) return fields;
  const key = parseText(fields.value.get("key"), `${path}.key`, CAP1_KEY);
  if (!key.ok) return key;
  const keyId = parseText(fields.value.get("keyId"), `${path}.keyId`, CAP1_KEY_ID);
  if (!keyId.ok) return keyId;
  return ok({ scheme: "cap1-hmac-sha512", key: key.value, keyId: keyId.value });
}

const AWS4_FIELDS = ["awsAccessKeyId", "region", "service", "secretAccessKey", "sessionToken"];

const ACCESS_KEY_ID: TextRule = {
  accepts: (text) => /^\w{1,128}$/.test(text),
  expected: "a string of 1 to 128 word characters (letters, digits, underscore)",
};

/** A part of the credential scope, which has slashes between its parts, in a comma-separated list in Authorization. */
const SCOPE_PART: TextRule = {
  accepts: (text) => /^[!-~]{1,128}$/.test(text) && !/[/,=]/.test(text),
  expected: 'a string of 1 to 128 visible ASCII characters except "/", "," and "="',
};

const SECRET_ACCESS_KEY: TextRule = {
  accepts: (text) => text.length > 0 && text.length <= 256 && !/[\p{Cc}\p{Surrogate}]/u.test(text),
  expected: "a well-formed string of 1 to 256 characters without control characters",
};

const SESSION_TOKEN: TextRule = {
  accepts: (text) => /^[!-~]{1,8192}$/.test(text),
  expected: "a string of 1 to 8192 visible ASCII characters",
};

const CAP1_KEY: TextRule = {
  accepts: (text) =>
    text.length <= MAX_CAP1_KEY_LENGTH && /^[A-Za-z0-9_-]+$/.test(text) && text.length % 4 !== 1,
  expected: `base64url without padding, at most ${MAX_CAP1_KEY_LENGTH} characters`,
};

/** Verifiers split Authorization at "," and the credential at "/". */
const CAP1_KEY_ID: TextRule = {
  accepts: (text) => /^[!-~]{1,256}$/.test(text) && !/[/,]/.test(text),
  expected: 'a string of 1 to 256 visible ASCII characters except "/" and ","',
};

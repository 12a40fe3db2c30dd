import type { OptionSpec } from "../../../parse/option-spec.ts";
import { isPublicHeader } from "../../options/public-header.ts";

const OPENINGS = "What clients of the target may vary:";

export type OpeningOptionName =
  | "allow-path"
  | "allow-query"
  | "allow-query-key"
  | "allow-header"
  | "encoded-slash"
  | "empty-segments";

/** Options of what a target opens, by the fields of the export body that they fill. */
export const OPENING_OPTIONS: Readonly<Record<OpeningOptionName, OptionSpec>> = {
  "allow-path": {
    takes: "switch",
    describe: "Whether clients may add a path [default: false]",
    group: OPENINGS,
  },
  "allow-query": {
    takes: "switch",
    describe: "Whether clients may add a query [default: false]",
    insteadOfValue: "--allow-query-key NAME allows one key",
    group: OPENINGS,
  },
  "allow-query-key": {
    takes: "text",
    repeats: true,
    describe: "Query key that they may add, repeatable; others are refused",
    group: OPENINGS,
  },
  "allow-header": {
    takes: "text",
    repeats: true,
    describe: "Header that passes, although it does not by default; repeatable",
    group: OPENINGS,
  },
  "encoded-slash": {
    takes: "switch",
    describe: "Whether the path may have %2F [default: false]",
    group: OPENINGS,
  },
  "empty-segments": {
    takes: "switch",
    describe: "Whether the path may have // [default: false]",
    group: OPENINGS,
  },
};

export const AWS4 = "AWS Signature Version 4:";
export const CAP1 = "CAP1-HMAC-SHA512:";
const TLS = "TLS to the target:";

export type TargetOptionName =
  | OpeningOptionName
  | "uri"
  | "method"
  | "header"
  | "timeout-ms"
  | "aws4-hmac-sha256-aws-access-key-id"
  | "aws4-hmac-sha256-region"
  | "aws4-hmac-sha256-service"
  | "aws4-hmac-sha256-secret-access-key"
  | "aws4-hmac-sha256-session-token"
  | "cap1-hmac-sha512-key"
  | "cap1-hmac-sha512-key-id"
  | "tls-ca"
  | "tls-cert"
  | "tls-key"
  | "tls-reject-unauthorized";

/** Options of a target, by the fields of the export body that they fill. */
export const TARGET_OPTIONS: Readonly<Record<TargetOptionName, OptionSpec>> = {
  uri: {
    takes: "secret",
    isPublic: (uri) => !uri.includes("?"),
    describe: "The target's URI, http or https, or @FILE",
  },
  method: {
    takes: "text",
    short: "X",
    describe: "The one method that it is sent [default: the client's]",
  },
  header: {
    takes: "secret",
    isPublic: isPublicHeader,
    repeats: true,
    short: "H",
    describe: '"Name: value" to send to it, repeatable; @FILE has such lines',
  },
  "timeout-ms": { takes: "text", describe: "Longest time without a byte from the target, in milliseconds" },
  ...OPENING_OPTIONS,
  "aws4-hmac-sha256-aws-access-key-id": {
    takes: "secret",
    isPublic: () => true,
    describe: "Access key ID",
    group: AWS4,
  },
  "aws4-hmac-sha256-region": { takes: "text", describe: "Region, such as us-east-1", group: AWS4 },
  "aws4-hmac-sha256-service": { takes: "text", describe: "Service, such as lambda or s3", group: AWS4 },
  "aws4-hmac-sha256-secret-access-key": {
    takes: "secret",
    describe: "Secret access key, @FILE or @-",
    group: AWS4,
  },
  "aws4-hmac-sha256-session-token": {
    takes: "secret",
    describe: "Session token of temporary credentials, @FILE or @-",
    group: AWS4,
  },
  "cap1-hmac-sha512-key": { takes: "secret", describe: "Key in base64url, @FILE or @-", group: CAP1 },
  "cap1-hmac-sha512-key-id": { takes: "text", describe: "Name of the key", group: CAP1 },
  "tls-ca": {
    takes: "secret",
    isPublic: () => true,
    describe: "CA to trust for the target: PEM, or @FILE",
    group: TLS,
  },
  "tls-cert": {
    takes: "secret",
    isPublic: () => true,
    describe: "Client certificate: PEM, or @FILE",
    group: TLS,
  },
  "tls-key": { takes: "secret", describe: "Its private key: PEM, @FILE or @-", group: TLS },
  "tls-reject-unauthorized": {
    takes: "switch",
    describe: "Whether the target's certificate is checked [default: true]",
    group: TLS,
  },
};

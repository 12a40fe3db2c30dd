import type {
  ConfiguredHeader,
  HmacConfiguration,
  TargetConfiguration,
  TlsConfiguration,
} from "capability-protocol";
import { formatTargetUri, parseAuthority, parseToken, readTargetUri } from "capability-protocol";
import type { TargetContent } from "../../domain/target.ts";
import { StoreCorruptError } from "../store.ts";
import { ColumnReader } from "./column-reader.ts";
import { decodeColumns, encodeColumns, flagColumn, textColumn } from "./columns.ts";
import { optional, optionalText, readOptional, readOptionalText, readVariant } from "./optional-columns.ts";

/**
 * The payload of a target of version 2, as columns. It is written from the parsed export and read without the rules for
 * exports, so that a rule that becomes stricter leaves stored targets as they are.
 */
export function encodeTargetPayload(content: TargetContent): Buffer {
  if (content.kind === "federated") {
    const { authority, token } = content.capability;
    return encodeColumns([textColumn(content.kind), textColumn(authority), textColumn(token)]);
  }
  const { uri, method, headers, allowQuery, timeoutMs, hmac, tls } = content.configuration;
  return encodeColumns([
    textColumn(content.kind),
    textColumn(formatTargetUri(uri)),
    optionalText(method),
    encodeColumns(headers.flat().map(textColumn)),
    flagColumn(allowQuery),
    optionalText(timeoutMs?.toString()),
    hmac === undefined ? EMPTY : encodeHmac(hmac),
    tls === undefined ? EMPTY : encodeTls(tls),
  ]);
}

/**
 * The inverse of {@link encodeTargetPayload}.
 *
 * @returns nothing if a newer program wrote it: it has a column or a variant that this one does not know.
 * @throws StoreCorruptError if the bytes are no such payload.
 */
export function decodeTargetPayload(bytes: Buffer): TargetContent | undefined {
  const row = new ColumnReader(decodeColumns(bytes));
  const content = decodeContent(row);
  return content !== undefined && row.isAtEnd() ? content : undefined;
}

function decodeContent(row: ColumnReader): TargetContent | undefined {
  switch (row.text()) {
    case "federated": {
      const authority = parseAuthority(row.text());
      const token = parseToken(row.text());
      if (authority === undefined || token === undefined)
        throw new StoreCorruptError("a target names no capability");
      return { kind: "federated", capability: { authority, token } };
    }
    case "configured": {
      const configuration = decodeConfiguration(row);
      return configuration && { kind: "configured", configuration };
    }
    default:
      return undefined;
  }
}

function decodeConfiguration(row: ColumnReader): TargetConfiguration | undefined {
  const uri = readTargetUri(row.text());
  const method = readOptionalText(row);
  const headers = decodeHeaders(row);
  const allowQuery = row.flag();
  const timeout = readOptionalText(row);
  const hmac = readVariant(row, decodeHmac);
  const tls = readVariant(row, decodeTls);
  if (!hmac.isKnown || !tls.isKnown) return undefined;
  if (uri === undefined) throw new StoreCorruptError("a target has no URI");
  return {
    uri,
    ...(method === undefined ? {} : { method }),
    headers,
    allowQuery,
    ...(timeout === undefined ? {} : { timeoutMs: Number(timeout) }),
    ...(hmac.value === undefined ? {} : { hmac: hmac.value }),
    ...(tls.value === undefined ? {} : { tls: tls.value }),
  };
}

function decodeHeaders(row: ColumnReader): readonly ConfiguredHeader[] {
  const headers: ConfiguredHeader[] = [];
  const pairs = row.nested();
  while (!pairs.isAtEnd()) headers.push([pairs.text(), pairs.text()]);
  return headers;
}

function encodeHmac(hmac: HmacConfiguration): Buffer {
  switch (hmac.scheme) {
    case "aws4-hmac-sha256":
      return encodeColumns([
        textColumn(hmac.scheme),
        textColumn(hmac.awsAccessKeyId),
        textColumn(hmac.region),
        textColumn(hmac.service),
        textColumn(hmac.secretAccessKey),
        optionalText(hmac.sessionToken),
      ]);
    case "cap1-hmac-sha512":
      return encodeColumns([textColumn(hmac.scheme), textColumn(hmac.key), textColumn(hmac.keyId)]);
  }
}

function decodeHmac(row: ColumnReader): HmacConfiguration | undefined {
  const scheme = row.text();
  switch (scheme) {
    case "aws4-hmac-sha256": {
      const credentials = {
        scheme,
        awsAccessKeyId: row.text(),
        region: row.text(),
        service: row.text(),
        secretAccessKey: row.text(),
      } as const;
      const sessionToken = readOptionalText(row);
      return { ...credentials, ...(sessionToken === undefined ? {} : { sessionToken }) };
    }
    case "cap1-hmac-sha512":
      return { scheme, key: row.text(), keyId: row.text() };
    default:
      return undefined;
  }
}

function encodeTls(tls: TlsConfiguration): Buffer {
  const isVerified = tls.rejectUnauthorized;
  return encodeColumns([
    optionalText(tls.ca),
    optionalText(tls.cert),
    optionalText(tls.key),
    optional(isVerified, flagColumn),
  ]);
}

function decodeTls(row: ColumnReader): TlsConfiguration {
  const ca = readOptionalText(row);
  const cert = readOptionalText(row);
  const key = readOptionalText(row);
  const isVerified = readOptional(row, (column) => column.flag());
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(isVerified === undefined ? {} : { rejectUnauthorized: isVerified }),
  };
}

const EMPTY = Buffer.alloc(0);

import type {
  ConfiguredHeader,
  HmacConfiguration,
  Openings,
  TargetConfiguration,
  TlsConfiguration,
} from "capability-protocol";
import { formatTargetUri, parseAuthority, parseToken, readTargetUri } from "capability-protocol";
import { flatHeaders } from "../../domain/flat-headers.ts";
import type { TargetContent } from "../../domain/target.ts";
import { StoreCorruptError } from "../store.ts";
import { ColumnReader } from "./column-reader.ts";
import { decodeColumns, encodeColumns, flagColumn, textColumn } from "./columns.ts";
import { optional, optionalText, readOptional, readOptionalText, readVariant } from "./optional-columns.ts";
import { encodeTexts, readTexts } from "./text-list.ts";

/**
 * The payload of a target, as columns. It is written from the parsed export and read without the rules for exports, so that a
 * rule that becomes stricter leaves stored targets as they are. The version is the oldest one that can hold the target.
 */
export function encodeTargetPayload(content: TargetContent): {
  readonly version: number;
  readonly payload: Buffer;
} {
  if (content.kind === "federated") {
    const { authority, token } = content.capability;
    const columns = [textColumn(content.kind), textColumn(authority), textColumn(token)];
    return { version: 2, payload: encodeColumns(columns) };
  }
  const { uri, method, headers, timeoutMs, hmac, tls, ...openings } = content.configuration;
  const columns = [
    textColumn(content.kind),
    textColumn(formatTargetUri(uri)),
    optionalText(method),
    encodeColumns(flatHeaders(headers).map(textColumn)),
    flagColumn(openings.allowQuery === true),
    optionalText(timeoutMs?.toString()),
    hmac === undefined ? EMPTY : encodeHmac(hmac),
    tls === undefined ? EMPTY : encodeTls(tls),
  ];
  return hasOnlyQueryFlag(openings)
    ? { version: 2, payload: encodeColumns(columns) }
    : { version: 3, payload: encodeColumns([...columns, encodeOpenings(openings)]) };
}

/**
 * The inverse of {@link encodeTargetPayload}.
 *
 * @returns nothing if a newer program wrote it: it has a column or a variant that this one does not know.
 * @throws StoreCorruptError if the bytes are no such payload.
 */
export function decodeTargetPayload(bytes: Buffer, version: number): TargetContent | undefined {
  const row = new ColumnReader(decodeColumns(bytes));
  const content = decodeContent(row, version);
  return content !== undefined && row.isAtEnd() ? content : undefined;
}

function decodeContent(row: ColumnReader, version: number): TargetContent | undefined {
  switch (row.text()) {
    case "federated": {
      const authority = parseAuthority(row.text());
      const token = parseToken(row.text());
      if (authority === undefined || token === undefined)
        throw new StoreCorruptError("a target names no capability");
      return { kind: "federated", capability: { authority, token } };
    }
    case "configured": {
      const configuration = decodeConfiguration(row, version);
      return configuration && { kind: "configured", configuration };
    }
    default:
      return undefined;
  }
}

function decodeConfiguration(row: ColumnReader, version: number): TargetConfiguration | undefined {
  const uri = readTargetUri(row.text());
  const method = readOptionalText(row);
  const headers = decodeHeaders(row);
  const allowQuery = row.flag();
  const timeout = readOptionalText(row);
  const hmac = readVariant(row, decodeHmac);
  const tls = readVariant(row, decodeTls);
  const openings = version === 2 ? { allowQuery } : decodeOpenings(row.nested(), allowQuery);
  if (!hmac.isKnown || !tls.isKnown || openings === undefined) return undefined;
  if (uri === undefined) throw new StoreCorruptError("a target has no URI");
  return {
    uri,
    ...(method === undefined ? {} : { method }),
    headers,
    ...openings,
    ...(timeout === undefined ? {} : { timeoutMs: Number(timeout) }),
    ...(hmac.value === undefined ? {} : { hmac: hmac.value }),
    ...(tls.value === undefined ? {} : { tls: tls.value }),
  };
}

/** What version 2 can hold: whether any query passes. */
function hasOnlyQueryFlag({ allowQuery, ...others }: Openings): boolean {
  return typeof allowQuery === "boolean" && Object.keys(others).length === 0;
}

function encodeOpenings({
  allowPath,
  allowQuery,
  allowHeaders,
  encodedSlash,
  emptySegments,
}: Openings): Buffer {
  return encodeColumns([
    flagColumn(allowPath === true),
    optional(typeof allowQuery === "boolean" ? undefined : allowQuery, encodeTexts),
    optional(allowHeaders, encodeTexts),
    flagColumn(encodedSlash === true),
    flagColumn(emptySegments === true),
  ]);
}

function decodeOpenings(row: ColumnReader, allowsAnyQuery: boolean): Openings | undefined {
  const allowPath = row.flag();
  const keys = readOptional(row, readTexts);
  const allowHeaders = readOptional(row, readTexts);
  const encodedSlash = row.flag();
  const emptySegments = row.flag();
  if (!row.isAtEnd()) return undefined;
  return {
    allowQuery: keys ?? allowsAnyQuery,
    ...(allowPath && { allowPath }),
    ...(allowHeaders === undefined ? {} : { allowHeaders }),
    ...(encodedSlash && { encodedSlash }),
    ...(emptySegments && { emptySegments }),
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

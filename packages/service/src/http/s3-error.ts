import type { ErrorCode, WireError } from "./wire-error.ts";

/**
 * The codes of S3 by status. SDKs of AWS retry `SlowDown`, `RequestTimeout`, `InternalError` and `ServiceUnavailable`, with growing
 * pauses; none of these codes leads them to another host or region, or lets them create a bucket or believe that a key is absent.
 */
const CODES_BY_STATUS: ReadonlyMap<number, string> = new Map([
  [400, "InvalidRequest"],
  [403, "AccessDenied"],
  [404, "InvalidURI"],
  [405, "MethodNotAllowed"],
  [408, "RequestTimeout"],
  [413, "EntityTooLarge"],
  [417, "InvalidRequest"],
  [429, "SlowDown"],
  [431, "RequestHeaderSectionTooLarge"],
  [500, "InternalError"],
  [501, "NotImplemented"],
]);

/** The code of every status that the table does not have. */
const UNAVAILABLE = "ServiceUnavailable";

/**
 * Formats an error as S3 does: its clients show nothing of JSON.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
export function formatS3Error({ status, body }: Pick<WireError, "status" | "body">): string {
  const code = CODES_BY_STATUS.get(status) ?? UNAVAILABLE;
  return `${DECLARATION}<Error><Code>${code}</Code><Message>${escapeXml(withCode(body))}</Message></Error>`;
}

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** Several codes of this service have one code of S3. */
function withCode({ message, code }: { readonly message: string; readonly code: ErrorCode }): string {
  return `${message} (${code})`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** Not in XML 1.0, not even escaped. */
const FORBIDDEN = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

function escapeXml(text: string): string {
  return text
    .replaceAll(FORBIDDEN, "\ufffd")
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

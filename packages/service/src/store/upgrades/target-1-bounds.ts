import type { TargetConfiguration, TargetUri } from "capability-protocol";
import { readTargetUri } from "capability-protocol";

/*
 * What the first exports accepted and is not sent any more. These bounds are those that exports had when version 2 was made;
 * they never change.
 */

const MAX_URI_LENGTH = 65_536;
const MAX_UNPARSED_HOST_LENGTH = 2_048;
const MAX_HOST_LENGTH = 253;
const MAX_HEADERS = 1_000;
const MAX_HEADER_NAME_LENGTH = 256;
const MAX_HEADER_VALUE_LENGTH = 65_536;
const MAX_PEM_LENGTH = 65_536;
const MAX_CAP1_KEY_LENGTH = 1_024;

const ORIGIN = /^https?:\/\/([^/?#]+)/i;

/**
 * @returns nothing if it is too long, or its path or query would be sent otherwise than it is written: a resolved dot segment
 *   makes `DELETE /bucket/a/..` another request.
 */
export function readTarget1Uri(text: string): TargetUri | undefined {
  if (text.length > MAX_URI_LENGTH) return undefined;
  const [origin = "", host = ""] = ORIGIN.exec(text) ?? [];
  // Before it is parsed: the encoding of letters beyond ASCII (RFC 3492) takes the square of their number.
  const uri = host.length > MAX_UNPARSED_HOST_LENGTH ? undefined : readTargetUri(text);
  if (uri === undefined || uri.origin.hostname.length > MAX_HOST_LENGTH) return undefined;
  const written = text.slice(origin.length);
  const parsed = uri.query === "" ? uri.path : `${uri.path}?${uri.query}`;
  return parsed === (written.startsWith("/") ? written : `/${written}`) ? uri : undefined;
}

/** Whether no field is so long that its owner decides what it costs to prepare the target. */
export function isTarget1Bounded({ headers, hmac, tls }: TargetConfiguration): boolean {
  return (
    headers.length <= MAX_HEADERS &&
    headers.every(
      ([name, value]) => name.length <= MAX_HEADER_NAME_LENGTH && value.length <= MAX_HEADER_VALUE_LENGTH,
    ) &&
    [tls?.ca, tls?.cert, tls?.key].every((pem = "") => pem.length <= MAX_PEM_LENGTH) &&
    (hmac?.scheme !== "cap1-hmac-sha512" || hmac.key.length <= MAX_CAP1_KEY_LENGTH)
  );
}

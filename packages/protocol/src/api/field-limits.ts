/*
 * The longest values of the fields of a target. A configuration is parsed again when its capability has not been used for a
 * while, and an exporter must not decide what that costs. These limits are the same in every service; the operator limits the
 * size of the request that is sent (`--header-bytes`).
 */

/** Characters of a target's URI. */
export const MAX_URI_LENGTH = 65_536;

/** Characters of a host before it is decoded, which shortens escapes and non-ASCII letters. */
export const MAX_UNPARSED_HOST_LENGTH = 2_048;

/** Characters of a host name (RFC 1035 §2.3.4, without the length octets and the root). */
export const MAX_HOST_LENGTH = 253;

/** Headers of one target. */
export const MAX_HEADERS = 1_000;

/** Characters of a header's name. */
export const MAX_HEADER_NAME_LENGTH = 256;

/** Characters of a header's value. */
export const MAX_HEADER_VALUE_LENGTH = 65_536;

/** Characters of each PEM text of `tls`: enough for the longest chains, but not for a list of all public CAs. */
export const MAX_PEM_LENGTH = 65_536;

/** Characters of the key of `cap1-hmac-sha512`. */
export const MAX_CAP1_KEY_LENGTH = 1_024;

/*
 * The longest values of the fields of an export. A configuration is parsed again when its capability has not been used for a while;
 * openings and limits are checked at each use, and stored with each capability that inherits them. Neither an exporter nor a holder
 * must decide what that costs. These bounds are the same in every service; the operator limits the size of the request that is sent
 * (`--header-bytes`).
 */

// Targets.

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

// Openings, limits and labels.

/** Entries of `paths`, `clientCidrs`, `allowQuery`, `allowHeaders`, and of each list of names or values. */
export const MAX_ENTRIES = 64;

/** Entries of `requests`. */
export const MAX_REQUESTS = 32;

/** Characters of a query key, and of a value of a query key or header. */
export const MAX_TEXT_LENGTH = 4_096;

/** Characters of a pattern of a path: enough for the longest key of S3 with every byte escaped. */
export const MAX_PATH_PATTERN_LENGTH = 4_096;

/** Characters of all limits of one capability, as JSON. */
export const MAX_LIMITS_LENGTH = 65_536;

/** Characters of a label. */
export const MAX_LABEL_LENGTH = 128;

/** Milliseconds of `ttlMs` and `maxUsesEveryMs`: a hundred years. */
export const MAX_DURATION_MS: number = 36_525 * 24 * 60 * 60 * 1_000;

/** Milliseconds of the shortest window of `maxUsesEveryMs`. */
export const MIN_WINDOW_MS = 1_000;

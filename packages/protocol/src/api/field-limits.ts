/*
 * How long each field of a target may be. A configuration is parsed again whenever its capability is used after a while,
 * so whoever exports it must not decide what that costs. How much of it may be sent is the operator's to say
 * (`--header-bytes`); these are the bounds that every service has.
 */

/** Characters of a target's URI. */
export const LONGEST_URI = 65_536;

/** Characters of a host as it is written: escapes and letters beyond ASCII become fewer. */
export const LONGEST_WRITTEN_HOST = 2_048;

/** Characters of a host name (RFC 1035 §2.3.4, without the lengths and the root). */
export const LONGEST_HOST = 253;

/** Headers of one target. */
export const MOST_HEADERS = 1_000;

/** Characters of a header's name. */
export const LONGEST_HEADER_NAME = 256;

/** Characters of a header's value. */
export const LONGEST_HEADER_VALUE = 65_536;

/** Characters of each PEM text of `tls`: more than the longest chains, and not a list of all public authorities. */
export const LONGEST_PEM = 65_536;

/** Characters of the key of `cap1-hmac-sha512`. */
export const LONGEST_CAP1_KEY = 1_024;

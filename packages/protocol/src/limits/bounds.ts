/*
 * The longest limits and openings. They are checked at each use, stored with each capability that inherits them, and a holder must
 * not decide what that costs. These bounds are the same in every service.
 */

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

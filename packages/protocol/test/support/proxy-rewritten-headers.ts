/**
 * Configured headers that proxies rewrite, so that we do not sign them. Both reference signers would sign them, so these headers
 * are not passed to them.
 */
export const REWRITTEN_BY_PROXIES: RegExp = /^(?:accept-encoding|traceparent|x-request-id|cf-ray|b3)$/;

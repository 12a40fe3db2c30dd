/**
 * Configured headers that proxies rewrite, so that none is signed. Both judges sign whatever they are given, and are not
 * given these.
 */
export const REWRITTEN_BY_PROXIES: RegExp = /^(?:accept-encoding|traceparent|x-request-id|cf-ray|b3)$/;

import type { TargetConfiguration } from "capability-protocol";
import { printableName } from "capability-protocol";
import type { Outcome } from "../domain/denial.ts";
import { invalid, PASSED } from "../domain/denial.ts";
import { flatHeaders } from "../domain/flat-headers.ts";
import { maxAddedBytes, headSize, headerLinesSize } from "../domain/head-size.ts";

/** Assumed where the client's method is forwarded: the longest one that may be. */
const ASSUMED_METHOD = "UNSUBSCRIBE";

/**
 * Refuses a target whose requests would have a head over the limit, by the first field that does not fit: an exporter
 * must not decide what each invocation costs.
 */
export function checkHeadSize(target: TargetConfiguration, limit: number): Outcome<undefined> {
  const { origin, path, query } = target.uri;
  const { host } = origin;
  const ownHeaders = flatHeaders(target.headers);
  const expected = `a request head of at most ${limit} bytes, with what the service adds (--header-bytes)`;
  const method = target.method ?? ASSUMED_METHOD;
  let bytes = headSize({ method, path, query }, ["Host", host]);
  bytes += maxAddedBytes(undefined, host, []);
  if (bytes > limit) return invalid("uri", expected);
  for (const [name, value] of target.headers) {
    bytes += headerLinesSize([name, value]);
    if (bytes > limit) return invalid(`headers.${printableName(name)}`, expected);
  }
  bytes += maxAddedBytes(target.hmac, host, ownHeaders) - maxAddedBytes(undefined, host, []);
  return bytes > limit ? invalid("hmac", expected) : PASSED;
}

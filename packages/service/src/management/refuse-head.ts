import type { TargetConfiguration } from "capability-protocol";
import { printableName } from "capability-protocol";
import type { Outcome } from "../domain/denial.ts";
import { invalid } from "../domain/denial.ts";
import { addedBytes, headBytes, linesBytes } from "../domain/head-bytes.ts";
import type { Answer } from "./context.ts";

/** The longest method that is forwarded, where the requester's own is. */
const LONGEST_METHOD = "UNSUBSCRIBE";

/**
 * Refuses a target whose requests would have a head over the limit, by the first field that does not fit: an exporter
 * must not decide what each invocation costs.
 */
export function refuseHead(target: TargetConfiguration, limit: number): Outcome<Answer> | undefined {
  const { host, pathname: path, search } = new URL(target.uri);
  const ownHeaders = target.headers.flat();
  const expected = `a request head of at most ${limit} bytes, with what the service adds (--header-bytes)`;
  const method = target.method ?? LONGEST_METHOD;
  let bytes = headBytes({ method, path, query: search.slice(1), headers: ["Host", host] });
  bytes += addedBytes(undefined, host, []);
  if (bytes > limit) return invalid("uri", expected);
  for (const [name, value] of target.headers) {
    bytes += linesBytes([name, value]);
    if (bytes > limit) return invalid(`headers.${printableName(name)}`, expected);
  }
  bytes += addedBytes(target.hmac, host, ownHeaders) - addedBytes(undefined, host, []);
  return bytes > limit ? invalid("hmac", expected) : undefined;
}

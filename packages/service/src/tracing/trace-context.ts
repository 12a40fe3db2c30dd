import { trimFieldValue } from "capability-protocol";

/** What a `traceparent` says: the trace of a request, and the span that sent it (W3C Trace Context). */
export interface TraceContext {
  /** 32 hexadecimal digits in lower case. */
  readonly traceId: string;
  /** 16 hexadecimal digits in lower case. */
  readonly spanId: string;
  /** Of the bits only those that a receiver passes on: {@link SAMPLED} and {@link RANDOM}. */
  readonly flags: number;
}

/** The sender may have recorded the trace. */
export const SAMPLED = 0x01;

/** At least the right half of the id of the trace is random (Level 2). */
export const RANDOM = 0x02;

/** Ids of zeros and the version `ff` are not valid. What follows the flags is of a version that is not known yet. */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-|$)/;

/** The length of a `traceparent` of the version 00, which has no more fields. */
const LENGTH_OF_00 = 55;

/**
 * Parses the lines of a request that are named `traceparent` (W3C Trace Context, "Versioning of traceparent"). Of a later version the
 * fields of the version 00 are read, and of its flags only the sampled one.
 *
 * @returns nothing if there is not exactly one line, or it is not valid.
 */
export function parseTraceparent([value, ...others]: readonly string[]): TraceContext | undefined {
  if (value === undefined || others.length > 0) return undefined;
  const [, version, traceId, spanId, flags] = TRACEPARENT.exec(value) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const isKnown = version === "00";
  if (isKnown && value.length !== LENGTH_OF_00) return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) & (isKnown ? SAMPLED | RANDOM : SAMPLED) };
}

/** The value of a `traceparent` of the version 00. */
export function formatTraceparent({ traceId, spanId, flags }: TraceContext): string {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, "0")}`;
}

const MAX_TRACESTATE_MEMBERS = 32;

const TRACESTATE_KEY = /^[a-z0-9][-a-z0-9_*/@]{0,255}$/;

/** Printable ASCII without "," and "=", not ending with a space. */
const TRACESTATE_VALUE = /^[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;

/**
 * Whether the lines of a request that are named `tracestate`, taken together, may be passed on: members with distinct keys, not more than
 * 32, as in W3C Trace Context. A list that is not valid must be dropped whole, since what of it is right is not known.
 */
export function isTracestate(values: readonly string[]): boolean {
  const keys = new Set<string>();
  for (const line of values) {
    for (const part of line.split(",")) {
      const member = trimFieldValue(part);
      if (member === "") continue;
      const at = member.indexOf("=");
      const key = member.slice(0, Math.max(at, 0));
      if (!TRACESTATE_KEY.test(key) || !TRACESTATE_VALUE.test(member.slice(at + 1))) return false;
      if (keys.has(key) || keys.size === MAX_TRACESTATE_MEMBERS) return false;
      keys.add(key);
    }
  }
  return true;
}

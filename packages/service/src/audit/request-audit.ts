import type { AuditedRequest } from "../domain/audited-request.ts";
import type { EndedInvocation, RefusedRequest } from "./entry.ts";
import { describeInvocation, describeRefusal } from "./entry.ts";
import type { AuditWriter } from "./writer.ts";

const MINUTE_MS = 60_000;

/** Records requests that were refused because of what their capability allows, or because they had none. */
export interface RefusalAudit {
  /** @param describe is called only if there is room for the line in this minute. */
  refused(describe: () => RefusedRequest): void;
  /** Writes how many were left out so far. */
  close(): void;
}

export interface RefusalAuditOptions {
  readonly writer: Pick<AuditWriter, "record">;
  /** Lines in a minute. */
  readonly maxPerMinute: number;
  /** A monotonic clock, in milliseconds. */
  readonly monotonic: () => number;
}

/** A stranger causes as many refusals as it likes: what is over the limit is counted, in one line after the minute. */
export function createRefusalAudit({ writer, maxPerMinute, monotonic }: RefusalAuditOptions): RefusalAudit {
  let endsAt = 0;
  let recorded = 0;
  let leftOut = 0;
  let timer: NodeJS.Timeout | undefined;

  const report = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (leftOut > 0) writer.record("refusals-left-out", { count: leftOut });
    leftOut = 0;
  };
  return {
    refused(describe) {
      const now = monotonic();
      if (now >= endsAt) {
        report();
        endsAt = now + MINUTE_MS;
        recorded = 0;
      }
      if (recorded < maxPerMinute) {
        recorded += 1;
        return writer.record("refused", describeRefusal(describe()));
      }
      leftOut += 1;
      timer ??= setTimeout(report, endsAt - now).unref();
    },
    close: report,
  };
}

/** Records a share of all invocations. */
export interface InvocationAudit {
  /** Whether to record this one. */
  isSampled(): boolean;
  /** Whether it may proceed: what cannot be recorded is refused if the trail is required. */
  mayProceed(): boolean;
  ended(request: AuditedRequest, end: EndedInvocation): void;
}

export interface InvocationAuditOptions {
  readonly writer: Pick<AuditWriter, "record" | "flush" | "isFailing">;
  /** From 0 to 1. */
  readonly share: number;
  readonly isRequired: boolean;
  readonly isFlushFailing: () => boolean;
  /** A number from 0 to less than 1. */
  readonly random: () => number;
}

export function createInvocationAudit(options: InvocationAuditOptions): InvocationAudit {
  const { writer, share, isRequired, isFlushFailing, random } = options;
  return {
    isSampled: () => share >= 1 || random() < share,
    mayProceed: () => !isRequired || (!isFlushFailing() && (!writer.isFailing || writer.flush())),
    ended: (request, end) => writer.record("invoked", describeInvocation(request, end)),
  };
}

import { Counts } from "../collections/counts.ts";
import type { Kind, ServiceKind } from "../domain/capability.ts";
import type { Denial } from "../domain/denial.ts";
import { TARGET_FAILURES, isTargetFailure } from "../domain/denial.ts";
import type { CountedLimit } from "../domain/reached-limit.ts";
import { COUNTED_LIMITS, reachedLimit } from "../domain/reached-limit.ts";
import type { ExchangeEnd } from "../invocation/exchange-context.ts";

/** A defect of the service. */
export const FAULT = "internal_error";

/** Why responses are aborted, by the code of the service's own errors. */
const ABORT_REASONS: ReadonlyMap<string, string> = new Map(
  [
    "REVOKED",
    "EXPIRED",
    "STALE",
    "STOPPED",
    "IDLE",
    "TIMEOUT",
    "TOO_SLOW",
    "WAITED_TOO_LONG",
    "BODY_TOO_LARGE",
  ].map((code) => [code, code.toLowerCase()]),
);

/** The target's connection broke, or the response took too long. */
const OTHER_REASON = "other";

/** How requests to one operation of the service have ended. */
export interface OperationCounts {
  done: number;
  readonly refused: Counts<Denial["reason"]>;
  faults: number;
}

/** How requests have ended, as plain numbers, which are read when metrics are asked for. */
export class RequestCounts {
  completed = 0;
  clientDisconnected = 0;
  /** Responses of targets that were passed on whole, by the first digit of their status. */
  readonly classes: number[] = [0, 0, 0, 0, 0, 0];
  /** Invocations that were refused. */
  readonly refused: Counts<Denial["reason"]> = new Counts();
  /** Invocations that failed because of their target, or of a defect. */
  readonly failed: Counts<Denial["reason"] | typeof FAULT> = new Counts([...TARGET_FAILURES, FAULT]);
  readonly aborted: Counts<string> = new Counts([...ABORT_REASONS.values(), OTHER_REASON]);
  /** Requests without a capability that was recognized. */
  readonly unidentified: Counts<string> = new Counts(["unauthorized", "malformed_request", FAULT]);
  readonly limits: Counts<CountedLimit> = new Counts(COUNTED_LIMITS);
  readonly operations: Readonly<Record<ServiceKind, OperationCounts>> = {
    provision: noCounts(),
    create: noCounts(),
    query: noCounts(),
    deleteSelf: noCounts(),
    export: noCounts(),
    revoke: noCounts(),
  };

  /** Counts an invocation that was not refused. */
  end(end: ExchangeEnd): void {
    switch (end.kind) {
      case "completed": {
        this.completed += 1;
        const index = Math.trunc(end.status / 100);
        this.classes[index] = (this.classes[index] ?? 0) + 1;
        return;
      }
      case "denied":
        return this.failed.add(end.denial.reason);
      case "aborted":
        return this.#abort(end.cause);
      case "client_disconnected":
        this.clientDisconnected += 1;
    }
  }

  /** @param kind absent: no capability was recognized. */
  refuse(denial: Denial, kind?: Kind): void {
    const { reason } = denial;
    if (kind === undefined) this.unidentified.add(reason);
    else if (kind !== "invoke") this.operations[kind].refused.add(reason);
    else (isTargetFailure(denial) ? this.failed : this.refused).add(reason);
    const limit = reachedLimit(denial, kind !== "invoke");
    if (limit !== undefined) this.limits.add(limit);
  }

  fault(kind?: Kind): void {
    if (kind === undefined) this.unidentified.add(FAULT);
    else if (kind === "invoke") this.failed.add(FAULT);
    else this.operations[kind].faults += 1;
  }

  #abort(cause: Error | undefined): void {
    const reason = abortReason(cause);
    if (reason === "waited_too_long") this.limits.add("waitingResponseBytesTotal");
    this.aborted.add(reason);
  }
}

/** Why a response was aborted, in one of a few words. */
export function abortReason(cause: Error | undefined): string {
  const code = cause !== undefined && "code" in cause ? cause.code : undefined;
  return (typeof code === "string" ? ABORT_REASONS.get(code) : undefined) ?? OTHER_REASON;
}

function noCounts(): OperationCounts {
  return { done: 0, refused: new Counts(), faults: 0 };
}

import type { Logger } from "pino";
import type { ServiceKind } from "../domain/capability.ts";
import type { ExchangeReport } from "../domain/exchange-report.ts";
import type { RecordedChange } from "../domain/change.ts";
import type { Denial } from "../domain/denial.ts";
import type { Fingerprints } from "./fingerprint.ts";
import { fingerprint } from "./fingerprint.ts";

/** What identifies a request wherever it is recorded. */
export interface RequestIds {
  readonly requestId: string;
  /** The trace that it belongs to (W3C Trace Context): 32 hexadecimal digits; absent if it belongs to none. */
  readonly traceId?: string | undefined;
}

/** A request, and the response to it. */
interface RequestEvent extends RequestIds {
  /** Status of the response to the client; absent if it gets none. */
  readonly status?: number;
  /** Absent when no capability was recognized. */
  readonly of?: Fingerprints | undefined;
}

/** An invocation. */
interface InvocationEvent extends RequestEvent {
  /** What passed between the target and the client; absent when no request was sent to the target. */
  readonly exchange?: ExchangeReport | undefined;
}

/**
 * Every event that is logged. Fields are picked by name from the event, so that an object with more properties logs no more. No
 * field has a token, a header, an address of a target, or the message of an error, which code of others writes.
 */
export interface EventLog {
  ready(event: {
    readonly authority: string;
    readonly host: string;
    readonly port: number;
    readonly secure: boolean;
  }): void;
  stopping(): void;
  stopped(): void;
  /** An operation of the service itself that was carried out. */
  managed(event: RequestEvent & { readonly kind: ServiceKind }): void;
  /** Whether {@link invoked} logs every invocation, or only those with a 5xx: for others the caller need not make an event. */
  readonly logsEveryInvocation: boolean;
  invoked(event: InvocationEvent & { readonly status: number }): void;
  /** An invocation that was refused in place of the target's response; `cause` is an error's code. */
  failed(event: InvocationEvent & { readonly reason: Denial["reason"]; readonly cause?: string }): void;
  /** A response that was aborted after it had begun. */
  aborted(event: InvocationEvent & { readonly cause?: string }): void;
  /** The client disconnected before the response was complete. */
  clientDisconnected(event: InvocationEvent): void;
  refused(event: InvocationEvent & { readonly reason: Denial["reason"]; readonly status: number }): void;
  /** A create, revoke or rekey. A change by the operator is logged at every level. */
  changed(change: RecordedChange): void;
  /** A command of the operator changed the data directory without the store. */
  operatorChange(event: { readonly command: string }): void;
  /** A connection was closed because the memory for pipelined requests was used up. */
  pipelineClosed(): void;
  swept(event: { readonly deleted: number }): void;
  /** A worker listens; `worker` is its process id. */
  workerStarted(event: { readonly worker: number }): void;
  /** A worker ended without having been stopped; another one replaces it. */
  workerEnded(event: {
    readonly worker: number;
    readonly code: number | null;
    readonly signal: string | null;
  }): void;
  /** A first start wrote the capabilities of its tenant to this file. */
  firstCapabilities(event: { readonly tenant: string; readonly file: string }): void;
  /** A start with names that the private CA may not certify made another CA; clients must trust this file. */
  authorityReplaced(event: { readonly file: string }): void;
  /** The configuration does not fit its environment. */
  advised(event: { readonly subject: string; readonly problem: string }): void;
  /** The mode of a part of the data directory was restored: other users could access it. */
  modeRepaired(event: { readonly path: string }): void;
  /** A file or directory that a killed process left in the data directory was removed. */
  leftoverRemoved(event: { readonly path: string }): void;
  /** The operator asked for a reload of the certificate. */
  reloading(): void;
  /** The reloaded certificate is the one in use. */
  certificateUnchanged(event: { readonly expires: Date }): void;
  /** The renewed files have no usable pair; the old one stays in use. */
  certificateRejected(event: { readonly file: string; readonly problem: string }): void;
  certificateRenewed(event: { readonly expires: Date }): void;
  /** The store has stopped writing (`full`, `failed`), or writes again (`writable`); `cause` is an error's code. */
  storeStateChanged(event: { readonly state: "writable" | "full" | "failed"; readonly cause?: string }): void;
  /** The audit trail cannot be written (`failing`), or can be again (`written`); `cause` is an error's code. */
  auditStateChanged(event: { readonly state: "failing" | "written"; readonly cause?: string }): void;
  /** The file of the audit trail is another one now. */
  auditReopened(): void;
  /** A record was read that a newer version of the program wrote; `record` is the fingerprint of its uid. */
  recordTooNew(event: { readonly record: string }): void;
  /** A node has no lease any more, and passes nothing on; `cause` is the code or name of the last error of the database. */
  leaseLost(event: { readonly cause?: string }): void;
  /** The database gives this node no lease any more, for a reason that the operator must change: the process ends. */
  leaseRefused(event: { readonly problem: string }): void;
  /** It has one again, after this many milliseconds. */
  leaseRegained(event: { readonly afterMs: number }): void;
  /**
   * The database does not have the entry of the revocation log that was applied last: it was restored, or a standby that was behind
   * has replaced the primary. Revokes that were acknowledged may be lost.
   */
  revocationsLost(applied: { readonly sequence: bigint }): void;
  /** A state of the service could not be sent to the service manager; `cause` is the error's code. */
  serviceManagerFailed(event: { readonly cause: string }): void;
  /** Standard output cannot be written; `cause` is the error's code. */
  outputFailed(event: { readonly cause: string }): void;
  /**
   * The collector did not take spans, for the first time since it did, or this many are lost because the service stops; `cause` is an
   * error's code, `STATUS_` and a status, or `STOPPED`.
   */
  spansNotExported(event: { readonly cause: string; readonly lost?: number }): void;
  /** It takes them again; this many were lost in between. */
  spansExportedAgain(event: { readonly lost: number }): void;
  /** A fault that nothing caught: the process ends. */
  crashed(error: unknown): void;
  /** Something that should not have happened. */
  fault(error: unknown, request?: RequestIds): void;
}

export function createEventLog(logger: Logger): EventLog {
  // Logged at every level: the capabilities cannot be shown again, and changes by an operator must leave a record.
  const unfiltered = logger.child({}, { level: "info" });
  const isVerbose = logger.isLevelEnabled("debug");
  return {
    ready: ({ authority, host, port, secure }) => logger.info({ authority, host, port, secure }, "ready"),
    stopping: () => logger.info("stopping"),
    stopped: () => logger.info("stopped"),
    managed: (event) => logger.info(describeRequest(event, { kind: event.kind }), "managed"),
    logsEveryInvocation: isVerbose,
    invoked: (event) => {
      if (isServerError(event)) logger.info(describeInvocation(event), "invoked");
      else if (isVerbose) logger.debug(describeInvocation(event), "invoked");
    },
    failed: (event) => logger.warn(describeFailure(event), "invocation failed"),
    aborted: (event) => logger.warn(describeFailure(event), "response aborted"),
    clientDisconnected: (event) => {
      if (isVerbose) logger.debug(describeInvocation(event), "client disconnected");
    },
    refused: (event) => {
      if (isServerError(event)) logger.info(describeFailure(event), "refused");
      else if (isVerbose) logger.debug(describeFailure(event), "refused");
    },
    changed: (change) => {
      if (change.actor.kind === "operator") unfiltered.info(describeChange(change), "operated");
      else logger.info(describeChange(change), "changed");
    },
    operatorChange: ({ command }) => unfiltered.info({ command }, "operated"),
    pipelineClosed: () => logger.debug("connection closed for its pipelined requests"),
    swept: ({ deleted }) => logger.info({ deleted }, "swept"),
    workerStarted: ({ worker }) => logger.info({ worker }, "worker started"),
    workerEnded: ({ worker, code, signal }) => logger.error({ worker, code, signal }, "worker ended"),
    firstCapabilities: ({ tenant, file }) => unfiltered.info({ tenant, file }, "first capabilities written"),
    authorityReplaced: ({ file }) =>
      logger.warn({ file }, "private CA replaced, clients must trust the new one"),
    advised: ({ subject, problem }) => logger.warn({ subject, problem }, "check the configuration"),
    modeRepaired: ({ path }) => logger.warn({ path }, "closed to other users"),
    leftoverRemoved: ({ path }) => logger.warn({ path }, "removed what a killed process left"),
    reloading: () => logger.info("reloading"),
    certificateUnchanged: ({ expires }) =>
      logger.info({ expires: expires.toISOString() }, "certificate unchanged"),
    certificateRejected: ({ file, problem }) =>
      logger.error({ file, problem }, "certificate rejected, the old one stays"),
    certificateRenewed: ({ expires }) =>
      logger.info({ expires: expires.toISOString() }, "certificate renewed"),
    storeStateChanged: ({ state, cause }) =>
      state === "writable"
        ? logger.info({ state }, "store")
        : logger.error({ state, cause: identifier(cause) }, "store"),
    auditStateChanged: ({ state, cause }) =>
      state === "written"
        ? logger.info({ state }, "audit trail")
        : logger.error({ state, cause: identifier(cause) }, "audit trail"),
    auditReopened: () => logger.info("audit trail reopened"),
    recordTooNew: ({ record }) => logger.error({ record }, "record too new"),
    leaseLost: ({ cause }) => logger.error({ cause: identifier(cause) }, "lease lost"),
    leaseRefused: ({ problem }) => logger.error({ problem }, "lease refused"),
    leaseRegained: ({ afterMs }) => logger.warn({ afterMs }, "lease regained"),
    // At every level: the operator must revoke again, and nothing else says so.
    revocationsLost: ({ sequence }) =>
      unfiltered.error({ position: String(sequence) }, "revocations may be lost"),
    serviceManagerFailed: ({ cause }) => logger.warn({ cause }, "service manager not notified"),
    outputFailed: ({ cause }) => logger.warn({ cause }, "standard output cannot be written"),
    spansNotExported: ({ cause, lost }) =>
      logger.warn({ cause: identifier(cause), lost }, "spans not exported"),
    spansExportedAgain: ({ lost }) => logger.info({ lost }, "spans exported again"),
    crashed: (error) => logger.fatal(describeFault(error), "crashed"),
    fault: (error, request) =>
      logger.error(
        { requestId: request?.requestId, traceId: request?.traceId, ...describeFault(error) },
        "fault",
      ),
  };
}

function isServerError({ status = 0 }: RequestEvent): boolean {
  return status >= 500;
}

/** @param more fields of the line, after those that every request has. */
function describeRequest({ requestId, traceId, status, of }: RequestEvent, more?: object): object {
  const { capability, tenant, membrane } = of ?? NO_FINGERPRINTS;
  return { requestId, traceId, status, capability, tenant, membrane, ...more };
}

const NO_FINGERPRINTS: Partial<Fingerprints> = {};

function describeInvocation({ exchange, ...request }: InvocationEvent): object {
  if (exchange === undefined) return describeRequest(request);
  return describeRequest(request, {
    upstreamStatus: exchange.upstreamStatus,
    durationMs: Math.round(exchange.elapsedMs()),
    bytes: exchange.forwardedBytes,
    receivedBytes: exchange.receivedBytes,
  });
}

function describeFailure(
  event: InvocationEvent & { readonly reason?: Denial["reason"]; readonly cause?: string },
): object {
  return { ...describeInvocation(event), reason: event.reason, cause: identifier(event.cause) };
}

/** Uids appear as fingerprints; names, which clients choose, do not appear. */
function describeChange({ action, outcome, actor, tenant, membrane, capabilities }: RecordedChange): object {
  return {
    action,
    outcome,
    ...(actor.kind === "operator"
      ? { command: actor.command }
      : {
          requestId: actor.requestId,
          traceId: actor.traceId,
          capability: fingerprint(actor.capability),
        }),
    tenant: tenant && fingerprint(tenant),
    membrane: membrane && fingerprint(membrane),
    created: capabilities.length === 0 ? undefined : capabilities.map(fingerprint),
  };
}

const IDENTIFIER_PATTERN = /^\w{1,64}$/;

/** A line of a stack that is a place in a file of this program, of a package or of Node. */
const STACK_FRAME =
  /^ {4}(at (?:async )?(?:[\w$.<>[\] #]+ \()?(?:file:\/\/|node:|\/|[A-Z]:\\)[^\s()]+:\d+:\d+\)?)$/;

/** Describes an error by its name, code and places in the code, never its message, which may contain a target or a token. */
function describeFault(error: unknown): object {
  if (!(error instanceof Error)) return { name: typeof error };
  const code = "code" in error ? identifier(error.code) : undefined;
  return { name: identifier(error.name) ?? "Error", code, frames: frames(error) };
}

function identifier(value: unknown): string | undefined {
  return typeof value === "string" && IDENTIFIER_PATTERN.test(value) ? value : undefined;
}

/** Removes the message from a stack before it looks for places, since a message may have lines that look like places. */
function frames({ stack, message }: Error): string[] {
  if (typeof stack !== "string") return [];
  const [head = ""] = /^[\w$.]*(?: \[\w+\])?(?:: )?/.exec(stack) ?? [];
  const rest = stack.slice(head.length);
  if (!rest.startsWith(`${message}\n`)) return [];
  const lines = rest.slice(message.length).split("\n");
  return lines.flatMap((line) => STACK_FRAME.exec(line)?.[1] ?? []);
}

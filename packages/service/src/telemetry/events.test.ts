import { Writable } from "node:stream";
import { expect, test } from "vitest";
import type { EventLog } from "./events.ts";
import { createEventLog } from "./events.ts";
import { parseUid } from "../domain/uid.ts";
import { fingerprint } from "./fingerprint.ts";
import { createLogger } from "./logger.ts";

const CANARY = "canary-5e1c";

function recording(level = "debug"): {
  readonly log: EventLog;
  readonly written: () => string;
  readonly last: () => any;
} {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString("utf8"));
      done();
    },
  });
  return {
    log: createEventLog(createLogger(level, sink)),
    written: () => lines.join(""),
    last: () => JSON.parse(lines.at(-1) ?? "{}"),
  };
}

/** A secret in every form in which a caller could pass it to the log by mistake. */
const EXTRA = {
  token: CANARY,
  uri: `https://${CANARY}/`,
  headers: { authorization: CANARY },
  target: { host: CANARY, toJSON: () => CANARY },
  msg: CANARY,
  message: CANARY,
  err: new Error(CANARY),
  error: new Error(CANARY),
  stack: CANARY,
  toJSON: () => CANARY,
  toString: () => CANARY,
};

const FINGERPRINTS = { capability: "0a", tenant: "0b", membrane: "0c" };
const OF = { ...EXTRA, ...FINGERPRINTS };
const EXCHANGE = { ...EXTRA, upstreamStatus: 200, forwardedBytes: 7, elapsedMs: () => 12.4 };
const MEASURED = { upstreamStatus: 200, durationMs: 12, bytes: 7 };

const EVENTS: readonly (readonly [keyof EventLog, object, object])[] = [
  [
    "ready",
    { authority: "a.test", host: "127.0.0.1", port: 1, secure: true },
    { authority: "a.test", host: "127.0.0.1", port: 1, secure: true, msg: "ready" },
  ],
  ["stopping", {}, { msg: "stopping" }],
  ["stopped", {}, { msg: "stopped" }],
  [
    "managed",
    { requestId: "r-1", traceId: "t", status: 201, of: OF, kind: "export" },
    { requestId: "r-1", traceId: "t", status: 201, ...FINGERPRINTS, kind: "export", msg: "managed" },
  ],
  [
    "invoked",
    { requestId: "r-1", status: 200, of: OF, exchange: EXCHANGE },
    { requestId: "r-1", status: 200, ...FINGERPRINTS, ...MEASURED, msg: "invoked" },
  ],
  [
    "failed",
    {
      requestId: "r-1",
      status: 504,
      of: OF,
      exchange: EXCHANGE,
      reason: "target_timeout",
      cause: "ETIMEDOUT",
    },
    {
      requestId: "r-1",
      status: 504,
      ...FINGERPRINTS,
      ...MEASURED,
      reason: "target_timeout",
      cause: "ETIMEDOUT",
      msg: "invocation failed",
    },
  ],
  [
    "aborted",
    { requestId: "r-1", status: 200, of: OF, exchange: EXCHANGE, cause: "ECONNRESET" },
    {
      requestId: "r-1",
      status: 200,
      ...FINGERPRINTS,
      ...MEASURED,
      cause: "ECONNRESET",
      msg: "response aborted",
    },
  ],
  [
    "clientDisconnected",
    { requestId: "r-1", of: OF, exchange: EXCHANGE },
    { requestId: "r-1", ...FINGERPRINTS, ...MEASURED, msg: "client disconnected" },
  ],
  [
    "refused",
    { requestId: "r-1", status: 401, reason: "unauthorized" },
    { requestId: "r-1", status: 401, reason: "unauthorized", msg: "refused" },
  ],
  [
    "refused",
    { requestId: "r-1", status: 404, of: OF, reason: "path_not_found" },
    { requestId: "r-1", status: 404, ...FINGERPRINTS, reason: "path_not_found", msg: "refused" },
  ],
  [
    "changed",
    {
      action: "create",
      outcome: "done",
      actor: {
        kind: "capability",
        capability: "1".repeat(32),
        requestId: "r-1",
        traceId: "t",
        token: CANARY,
      },
      tenant: "2".repeat(32),
      membrane: "3".repeat(32),
      capabilities: ["4".repeat(32)],
      name: CANARY,
    },
    {
      action: "create",
      outcome: "done",
      requestId: "r-1",
      traceId: "t",
      capability: fingerprint(parseUid("1".repeat(32))),
      tenant: fingerprint(parseUid("2".repeat(32))),
      membrane: fingerprint(parseUid("3".repeat(32))),
      created: [fingerprint(parseUid("4".repeat(32)))],
      msg: "changed",
    },
  ],
  [
    "changed",
    {
      action: "revoke",
      outcome: "unknown",
      actor: { kind: "operator", command: "tenant delete" },
      tenant: "2".repeat(32),
      capabilities: [],
    },
    {
      action: "revoke",
      outcome: "unknown",
      command: "tenant delete",
      tenant: fingerprint(parseUid("2".repeat(32))),
      msg: "operated",
    },
  ],
  ["pipelineClosed", {}, { msg: "connection closed for its pipelined requests" }],
  ["serviceManagerFailed", { cause: "ENOENT" }, { cause: "ENOENT", msg: "service manager not notified" }],
  ["outputFailed", { cause: "EPIPE" }, { cause: "EPIPE", msg: "standard output cannot be written" }],
  ["swept", { deleted: 3 }, { deleted: 3, msg: "swept" }],
  ["recordTooNew", { record: "0a" }, { record: "0a", msg: "record too new" }],
  ["storeStateChanged", { state: "full", cause: "ENOSPC" }, { state: "full", cause: "ENOSPC", msg: "store" }],
  ["auditStateChanged", { state: "written" }, { state: "written", msg: "audit trail" }],
  [
    "auditStateChanged",
    { state: "failing", cause: "ENOENT" },
    { state: "failing", cause: "ENOENT", msg: "audit trail" },
  ],
  ["auditReopened", {}, { msg: "audit trail reopened" }],
  ["leaseLost", {}, { msg: "lease lost" }],
  ["leaseLost", { cause: "ETIMEDOUT" }, { cause: "ETIMEDOUT", msg: "lease lost" }],
  ["leaseRefused", { problem: "other leases" }, { problem: "other leases", msg: "lease refused" }],
  ["leaseRegained", { afterMs: 1_200 }, { afterMs: 1_200, msg: "lease regained" }],
  ["revocationsLost", { log: "0a", sequence: 12n }, { position: "12", msg: "revocations may be lost" }],
  ["workerStarted", { worker: 7 }, { worker: 7, msg: "worker started" }],
  [
    "workerEnded",
    { worker: 7, code: null, signal: "SIGKILL" },
    { worker: 7, code: null, signal: "SIGKILL", msg: "worker ended" },
  ],
  ["operatorChange", { command: "restore", name: "m" }, { command: "restore", msg: "operated" }],
  [
    "firstCapabilities",
    { tenant: "default", file: "/data/first-capabilities.json" },
    { tenant: "default", file: "/data/first-capabilities.json", msg: "first capabilities written" },
  ],
  [
    "authorityReplaced",
    { file: "/data/tls/ca.pem" },
    { file: "/data/tls/ca.pem", msg: "private CA replaced, clients must trust the new one" },
  ],
  [
    "advised",
    { subject: "authority", problem: "is not reached" },
    { subject: "authority", problem: "is not reached", msg: "check the configuration" },
  ],
  ["modeRepaired", { path: "/data/store" }, { path: "/data/store", msg: "closed to other users" }],
  [
    "leftoverRemoved",
    { path: "/data/store.tmp" },
    { path: "/data/store.tmp", msg: "removed what a killed process left" },
  ],
  ["reloading", {}, { msg: "reloading" }],
  [
    "certificateUnchanged",
    { expires: new Date(0) },
    { expires: "1970-01-01T00:00:00.000Z", msg: "certificate unchanged" },
  ],
  [
    "certificateRejected",
    { file: "/tls/cert.pem", problem: "does not exist" },
    { file: "/tls/cert.pem", problem: "does not exist", msg: "certificate rejected, the old one stays" },
  ],
  [
    "certificateRenewed",
    { expires: new Date(0) },
    { expires: "1970-01-01T00:00:00.000Z", msg: "certificate renewed" },
  ],
  [
    "spansNotExported",
    { cause: "STATUS_503", lost: 3 },
    { cause: "STATUS_503", lost: 3, msg: "spans not exported" },
  ],
  ["spansNotExported", { cause: `from ${CANARY}` }, { msg: "spans not exported" }],
  ["spansExportedAgain", { lost: 3 }, { lost: 3, msg: "spans exported again" }],
];

test.each(EVENTS)("%s writes the fields of its event and drops all others", (name, event, expected) => {
  const { log, written, last } = recording();
  const write = log[name] as (event: object) => void;
  write({ ...EXTRA, ...event });
  const { level: _level, time: _time, ...fields } = last();
  expect(fields).toEqual(expected);
  expect(written()).not.toContain(CANARY);
});

test("the table above has every event of the log", () => {
  const tried = new Set<string>([...EVENTS.map(([name]) => name), "fault", "crashed"]);
  const { logsEveryInvocation: _, ...events } = recording().log;
  expect(new Set(Object.keys(events))).toEqual(tried);
});

test("at the default level an ordinary invocation or refusal writes nothing and reads no clock, and a 5xx is written", () => {
  const { log, written, last } = recording("info");
  const elapsedMs = (): number => {
    throw new Error("the clock was read");
  };
  const event = { requestId: "r-1", of: OF, exchange: { ...EXCHANGE, elapsedMs } };
  log.invoked({ ...event, status: 200 });
  log.clientDisconnected(event);
  log.refused({ ...event, status: 401, reason: "unauthorized" });
  expect(log.logsEveryInvocation).toBe(false);
  expect(written()).toBe("");
  const measured = { ...event, exchange: EXCHANGE };
  log.invoked({ ...measured, status: 500 });
  expect(last()).toMatchObject({ level: "info", msg: "invoked", status: 500, durationMs: 12 });
  log.refused({ requestId: "r-1", status: 503, reason: "service_overloaded" });
  expect(last()).toMatchObject({ level: "info", msg: "refused", status: 503 });
});

test.each(["warn", "silent"])(
  "at the level %s a change by the operator is written, and one by a request is not",
  (level) => {
    const { log, written, last } = recording(level);
    const change = { action: "rekey", outcome: "done", capabilities: [] } as const;
    log.changed({
      ...change,
      actor: { kind: "capability", capability: parseUid("1".repeat(32)), requestId: "r" },
    });
    expect(written()).toBe("");
    log.changed({ ...change, actor: { kind: "operator", command: "tenant reissue" } });
    expect(last()).toMatchObject({ msg: "operated", command: "tenant reissue", action: "rekey" });
  },
);

class NamedError extends Error {
  override readonly name = "NamedError";
  readonly code = "named";
}

test("an error that ends the process is logged like a fault, but as `crashed`", () => {
  const { log, last, written } = recording();
  log.crashed(new Error(CANARY));
  expect(last()).toMatchObject({ level: "fatal", msg: "crashed", name: "Error" });
  expect(written()).not.toContain(CANARY);
});

test("a fault is logged with its name, its code and the places in its stack", () => {
  const { log, last } = recording();
  log.fault(new NamedError(CANARY));
  expect(last()).toMatchObject({ level: "error", msg: "fault", name: "NamedError", code: "named" });
  expect(last().frames[0]).toMatch(/^at .*events\.test\.ts:\d+:\d+\)?$/);
});

test.each([
  ["one line", CANARY],
  [
    "lines that look like places in the code",
    `x\n    at f (/srv/${CANARY}.ts:1:1)\n    at file:///${CANARY}:1:1`,
  ],
  ["a line at its start that looks like a place in the code", `\n    at /${CANARY}:1:1\n`],
  ["an empty line, then a secret", `\n\n${CANARY}`],
])("no message of an error is written: %s", (_case, message) => {
  const { log, written, last } = recording();
  log.fault(new Error(message, { cause: new Error(message) }));
  log.fault(new NamedError(message));
  log.fault(new AggregateError([new Error(message)], message));
  expect(last().frames.length).toBeGreaterThan(0);
  expect(written()).not.toContain(CANARY);
});

test("the original message of an error is not written from its stack after the message was changed", () => {
  const { log, written } = recording();
  const error = new Error(`first\n    at /${CANARY}.ts:1:1`);
  expect(error.stack).toContain(CANARY);
  error.message = "second";
  log.fault(error);
  expect(written()).not.toContain(CANARY);
});

test("names, codes and stacks that other code wrote into an error are not written", () => {
  const { log, written } = recording();
  const stacked = new Error("x");
  stacked.stack = `Error: x\n    at ${CANARY}`;
  log.fault(stacked);
  log.fault(Object.assign(new Error("x"), { name: `E ${CANARY}`, code: `https://${CANARY}/` }));
  log.fault(Object.assign(new Error("x"), { code: { toJSON: () => CANARY } }));
  log.fault(Object.assign(new Error("x"), EXTRA));
  expect(written()).not.toContain(CANARY);
});

test.each([CANARY, { message: CANARY }, [CANARY], undefined, null, Symbol(CANARY), () => CANARY])(
  "of a thrown value that is not an error, only its type is logged",
  (thrown) => {
    const { log, written, last } = recording();
    log.fault(thrown);
    expect(last()).toMatchObject({ msg: "fault", name: typeof thrown });
    expect(written()).not.toContain(CANARY);
  },
);

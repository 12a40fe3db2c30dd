import { Writable } from "node:stream";
import { expect, test } from "vitest";
import type { EventLog } from "./events.ts";
import { createEventLog } from "./events.ts";
import { createLogger } from "./logger.ts";

const CANARY = "canary-5e1c";

function recording(): { readonly log: EventLog; readonly written: () => string; readonly last: () => any } {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString("utf8"));
      done();
    },
  });
  return {
    log: createEventLog(createLogger("debug", sink)),
    written: () => lines.join(""),
    last: () => JSON.parse(lines.at(-1) ?? "{}"),
  };
}

/** What nobody should hand to a log, in every form it could come in. */
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
    { capability: "0a", kind: "export", status: 201 },
    { capability: "0a", kind: "export", status: 201, msg: "managed" },
  ],
  ["invoked", { capability: "0a", status: 200 }, { capability: "0a", status: 200, msg: "invoked" }],
  [
    "failed",
    { capability: "0a", reason: "target_timeout", cause: "ETIMEDOUT" },
    { capability: "0a", reason: "target_timeout", cause: "ETIMEDOUT", msg: "invocation failed" },
  ],
  [
    "aborted",
    { capability: "0a", status: 200, cause: "ECONNRESET" },
    { capability: "0a", status: 200, cause: "ECONNRESET", msg: "answer broken off" },
  ],
  ["clientDisconnected", { capability: "0a" }, { capability: "0a", msg: "requester left" }],
  [
    "refused",
    { capability: "0a", reason: "unauthorized" },
    { capability: "0a", reason: "unauthorized", msg: "refused" },
  ],
  ["pipelineClosed", {}, { msg: "connection closed for its pipelined requests" }],
  ["outputFailed", { cause: "EPIPE" }, { cause: "EPIPE", msg: "standard output cannot be written" }],
  ["swept", { deleted: 3 }, { deleted: 3, msg: "swept" }],
  ["storeStateChanged", { state: "full", cause: "ENOSPC" }, { state: "full", cause: "ENOSPC", msg: "store" }],
  ["workerStarted", { worker: 7 }, { worker: 7, msg: "worker started" }],
  [
    "workerEnded",
    { worker: 7, code: null, signal: "SIGKILL" },
    { worker: 7, code: null, signal: "SIGKILL", msg: "worker ended" },
  ],
  [
    "operatorChange",
    { command: "membrane revoke", tenant: "a1b2c3d4e5f6", membrane: "0a1b2c3d4e5f", name: "m" },
    { command: "membrane revoke", tenant: "a1b2c3d4e5f6", membrane: "0a1b2c3d4e5f", msg: "operated" },
  ],
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
];

test.each(EVENTS)(
  "%s writes its own fields and leaves behind whatever else it is handed",
  (name, event, expected) => {
    const { log, written, last } = recording();
    const write = log[name] as (event: object) => void;
    write({ ...EXTRA, ...event });
    const { level: _level, time: _time, ...fields } = last();
    expect(fields).toEqual(expected);
    expect(written()).not.toContain(CANARY);
  },
);

test("every event of the log is tried here", () => {
  const tried = new Set<string>([...EVENTS.map(([name]) => name), "fault", "crashed"]);
  expect(new Set(Object.keys(recording().log))).toEqual(tried);
});

class NamedError extends Error {
  override readonly name = "NamedError";
  readonly code = "named";
}

test("what ends the process is logged like a fault, under another name that tests look for", () => {
  const { log, last, written } = recording();
  log.crashed(new Error(CANARY));
  expect(last()).toMatchObject({ level: "fatal", msg: "crashed", name: "Error" });
  expect(written()).not.toContain(CANARY);
});

test("a fault is told by its name, its code and the places in the code, so that an operator finds it", () => {
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
  ["a line that looks like one at its very start", `\n    at /${CANARY}:1:1\n`],
  ["an empty line, then a secret", `\n\n${CANARY}`],
])("no message of an error is written: %s", (_case, message) => {
  const { log, written, last } = recording();
  log.fault(new Error(message, { cause: new Error(message) }));
  log.fault(new NamedError(message));
  log.fault(new AggregateError([new Error(message)], message));
  expect(last().frames.length).toBeGreaterThan(0);
  expect(written()).not.toContain(CANARY);
});

test("a message that was changed after the error was made does not show through its stack", () => {
  const { log, written } = recording();
  const error = new Error(`first\n    at /${CANARY}.ts:1:1`);
  expect(error.stack).toContain(CANARY);
  error.message = "second";
  log.fault(error);
  expect(written()).not.toContain(CANARY);
});

test("names, codes and stacks that somebody else wrote into an error are not written", () => {
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
  "what was thrown and is no error is told by its type alone",
  (thrown) => {
    const { log, written, last } = recording();
    log.fault(thrown);
    expect(last()).toMatchObject({ msg: "fault", name: typeof thrown });
    expect(written()).not.toContain(CANARY);
  },
);

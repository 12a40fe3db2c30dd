import { randomBytes } from "node:crypto";
import { openAuditFile } from "../audit/audit-file.ts";
import type { AuditFile } from "../audit/audit-file.ts";
import { unavailable } from "../audit/change-audit.ts";
import type { HeadKeeperOptions } from "../audit/head-keeper.ts";
import { createHeadKeeper, headsToDrop } from "../audit/head-keeper.ts";
import type { OpenAudit } from "../audit/open-audit.ts";
import { createTrailFlush, FLUSH_TIMEOUT_MS } from "../audit/trail-flush.ts";
import { createAuditWriter } from "../audit/writer.ts";
import type { AuditConfig } from "../config.ts";
import type { AuditHead } from "../domain/audit-head.ts";
import { ConfigError } from "../config-error.ts";
import { errorCode } from "../error-code.ts";
import type { Store } from "../store/store.ts";
import { StoreBusyError, StoreFailedError, StoreFullError } from "../store/store.ts";
import type { EventLog } from "../telemetry/events.ts";
import { wallClock } from "../wall-clock.ts";
import type { AuditReading } from "./metrics/process-meter.ts";
import type { DataDirectory } from "./data-directory.ts";

/** The audit trail of a process, and its end. */
export interface ProcessAudit extends OpenAudit, AuditReading {
  /** Opens the file again, if another one is there now, and logs that. Never throws. */
  reopen(): void;
  /** Writes what waits, and tells the store where the trail ends. */
  close(): Promise<void>;
}

export type TrailLog = Pick<EventLog, "auditReopened" | "auditStateChanged" | "fault">;

/** The audit trail of a configuration, if it has one. */
export async function openConfiguredAudit(
  { audit }: { readonly audit?: AuditConfig },
  data: Pick<DataDirectory, "store" | "keys">,
  log: TrailLog,
): Promise<ProcessAudit | undefined> {
  return audit === undefined ? undefined : openProcessAudit(audit, data, log);
}

/**
 * Opens the audit trail, and makes its file if it is not there. A file that can be opened and not written stops no start.
 *
 * @throws ConfigError if the file cannot be opened.
 */
async function openProcessAudit(
  { file: path, isRequired }: AuditConfig,
  { store, keys }: Pick<DataDirectory, "store" | "keys">,
  log: TrailLog,
): Promise<ProcessAudit> {
  const file = openFile(path);
  const writer = createAuditWriter({
    id: randomBytes(16).toString("hex"),
    keys,
    file,
    now: wallClock,
    schedule: (act, ms) => void setTimeout(act, ms).unref(),
    onWritten: () => keeper.written(),
    onStateChanged: log.auditStateChanged,
  });
  const flush = createTrailFlush({
    flush: () => file.sync(),
    timeoutMs: FLUSH_TIMEOUT_MS,
    now: wallClock,
    onStateChanged: log.auditStateChanged,
  });
  const sync = isRequired ? () => flush.sync() : undefined;
  const keeper = createHeadKeeper({
    store,
    head: writer.head,
    sync,
    onFault: log.fault,
    isOutage,
  });
  writer.flush();
  await beginInStore({ store, head: writer.head(), sync }).catch((error: unknown) => {
    if (!isOutage(error)) log.fault(error);
  });
  let changes = 0;
  return {
    lagMs: () =>
      Math.max(writer.lagMs(), flush.failingSince === undefined ? 0 : wallClock() - flush.failingSince),
    isFlushFailing: () => flush.failingSince !== undefined,
    lostLines: () => writer.lostLines,
    writer,
    onMoved: keeper.moved,
    nextChange: () => (changes += 1),
    sync,
    reopen() {
      try {
        if (file.reopen() === "same") return;
      } catch (error) {
        return log.auditStateChanged({ state: "failing", cause: errorCode(error) ?? "failed" });
      }
      writer.reopened();
      log.auditReopened();
    },
    async close() {
      keeper.stop();
      writer.record("closed", {});
      writer.flush();
      await keeper.moveNow();
      file.close();
    },
  };
}

/**
 * For a command that is recorded when it has ended, since it needs the store for itself.
 *
 * @throws ConfigError if the file of the audit trail cannot be opened.
 * @throws AuditUnavailableError if nothing can be written to it, and the trail is required.
 */
export function checkAuditFile({ audit }: { readonly audit?: AuditConfig }): void {
  if (audit === undefined) return;
  const file = openFile(audit.file);
  try {
    // An empty line says nothing, and breaks none.
    if (audit.isRequired && file.write(NEWLINE) !== NEWLINE.length) throw unavailable();
  } finally {
    file.close();
  }
}

const NEWLINE = Buffer.from("\n");

function openFile(path: string): AuditFile {
  try {
    return openAuditFile(path);
  } catch (cause) {
    throw new ConfigError(
      `--audit: ${path} cannot be opened (${errorCode(cause) ?? "failed"}): expected a file that this user may write, in a directory that is there`,
      { cause },
    );
  }
}

/** Tells the store of a new writer, and makes it forget those of long ago. */
async function beginInStore({
  store,
  head,
  sync = () => Promise.resolve(),
}: Pick<HeadKeeperOptions, "sync"> & {
  readonly store: Pick<Store, "auditHeads" | "moveAuditHead">;
  readonly head: AuditHead;
}): Promise<void> {
  if (head.sequence === 0) return;
  const isFlushed = await sync().then(
    () => true,
    () => false,
  );
  if (isFlushed) await store.moveAuditHead(head, headsToDrop(await store.auditHeads()));
}

/** The next head tells the store what this one could not. */
function isOutage(error: unknown): boolean {
  return (
    error instanceof StoreBusyError || error instanceof StoreFullError || error instanceof StoreFailedError
  );
}

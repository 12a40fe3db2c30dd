import { StoreFormatError } from "../store/store.ts";
import type { Reading } from "../telemetry/metrics/reading.ts";
import { parseReading } from "../telemetry/metrics/reading.ts";

/** A message from a worker to the process that started it. */
export type WorkerMessage =
  | { readonly kind: "listening"; readonly address: string; readonly port: number }
  /** It cannot start; `why` is for the operator. */
  | { readonly kind: "failed"; readonly why: string }
  /** The store refuses it, at its start or later, as it would every other worker; `why` is for the operator. */
  | { readonly kind: "refused"; readonly why: string };

/** @param error what has ended the worker. */
export function failureMessage(error: unknown): WorkerMessage {
  const why = error instanceof Error ? error.message : "failed";
  return { kind: error instanceof StoreFormatError ? "refused" : "failed", why };
}

/** Sent to workers: read the server's certificate again. */
export const RELOAD = "reload";

/** Sent to workers: open the file of the audit trail again. */
export const REOPEN_AUDIT = "reopen audit";

/** Sent to workers: say what you have counted. */
export const READ_METRICS = "read metrics";

/** The reply to {@link READ_METRICS}. */
export interface MetricsMessage {
  readonly kind: "metrics";
  readonly reading: Reading;
}

/** @returns nothing for other messages. */
export function parseMetricsMessage(message: unknown): Reading | undefined {
  if (typeof message !== "object" || message === null || !("kind" in message)) return undefined;
  if (message.kind !== "metrics" || !("reading" in message)) return undefined;
  return parseReading(message.reading);
}

/** @returns nothing for other messages, such as those of Node.js itself. */
export function parseWorkerMessage(message: unknown): WorkerMessage | undefined {
  if (typeof message !== "object" || message === null || !("kind" in message)) return undefined;
  const { kind } = message;
  if ((kind === "failed" || kind === "refused") && "why" in message && typeof message.why === "string")
    return { kind, why: message.why };
  if (kind !== "listening" || !("address" in message) || !("port" in message)) return undefined;
  const { address, port } = message;
  return typeof address === "string" && typeof port === "number"
    ? { kind: "listening", address, port }
    : undefined;
}

/** Sent by a worker that starts, to get the certificate: one sent before the worker listens for messages would be lost. */
export const GET_CERTIFICATE = "which certificate";

/** Sent to a worker when the certificate was given in files: only the first process reads them. */
export interface CertificateMessage {
  readonly kind: "certificate";
  readonly cert: string;
  readonly key: string;
}

/** @returns nothing for other messages. */
export function parseCertificateMessage(message: unknown): CertificateMessage | undefined {
  if (typeof message !== "object" || message === null || !("kind" in message)) return undefined;
  if (message.kind !== "certificate" || !("cert" in message) || !("key" in message)) return undefined;
  const { cert, key } = message;
  return typeof cert === "string" && typeof key === "string" ? { kind: "certificate", cert, key } : undefined;
}

import type { Socket } from "node:net";
import type { Dispatcher } from "undici";
import type { UpstreamHandler } from "../../http1/upstream.ts";
import { lastValueOf } from "../last-value.ts";
import { failureOf } from "./error-codes.ts";

/**
 * Translates undici's events to those of the port, for the requests of one connection, one after the other. Undici's handler
 * with raw header lists is used, since header objects would be built for each response and taken apart again.
 */
export class UndiciHandler implements Dispatcher.DispatchHandler {
  #handler: UpstreamHandler | undefined;
  /** Set while a part of the request may have reached the target. */
  #abort: ((error: Error) => void) | undefined;
  #isEnded = false;

  start(handler: UpstreamHandler): void {
    this.#handler = handler;
    this.#abort = undefined;
    this.#isEnded = false;
  }

  abort(handler: UpstreamHandler, error: Error): void {
    if (this.#handler === handler) this.#abort?.(error);
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#abort = abort;
    if (this.#handler?.onBegin() !== true) abort(new Error("the request is over"));
  }

  onResponseStarted(): void {
    this.#handler?.onResponseStarted();
  }

  onHeaders(status: number, rawHeaders: Buffer[], resume: () => void, reason: string): boolean {
    this.#handler?.onRead();
    if (this.#handler === undefined) return false;
    if (status >= 100 && status < 200) {
      this.#handler.onInformational();
      return true;
    }
    const headers = rawHeaders.map((part) => part.toString("latin1"));
    const isBodiless = status === 204 || status === 304;
    if (!isBodiless && isCodingMisread(headers)) {
      this.#abort?.(new Error("a tab after chunked"));
      return false;
    }
    const isFlowing = this.#handler.onHead(status, reason, headers, resume);
    // Complete with their heads (RFC 9110 §6.4.1). Undici takes the Content-Length that a 304 may have for a truncated body.
    if (isBodiless) this.#end();
    return isFlowing;
  }

  onData(chunk: Buffer): boolean {
    this.#handler?.onRead();
    if (this.#handler === undefined || this.#isEnded) return false;
    // Undici passes an empty chunk when it resumes after a pause; to pause at that one would end the process.
    return chunk.length === 0 || this.#handler.onData(chunk);
  }

  onComplete(): void {
    this.#handler?.onRead();
    this.#end();
    this.#handler = undefined;
  }

  /** Called only for a request that asks for it, and for a 101 with `Upgrade`: any other 101 is an error of the connection. */
  onUpgrade(_status: number, rawHeaders: Buffer[] | string[] | null, socket: Socket): void {
    this.#handler?.onRead();
    const handler = this.#handler;
    this.#handler = undefined;
    if (handler === undefined) return void socket.destroy();
    const headers = (rawHeaders ?? []).map((part) =>
      typeof part === "string" ? part : part.toString("latin1"),
    );
    handler.onUpgrade(headers, socket);
  }

  onError(error: Error): void {
    const handler = this.#handler;
    this.#handler = undefined;
    if (!this.#isEnded) handler?.onError(error, failureOf(error));
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#handler?.onEnd();
  }
}

/** Whether a tab follows `chunked`: undici takes it for another coding then, and the chunks for the body. */
function isCodingMisread(headers: readonly string[]): boolean {
  const coding = lastValueOf(headers, "transfer-encoding")?.trimStart() ?? "";
  return coding.includes("\t") && coding.trimEnd().toLowerCase() === "chunked";
}

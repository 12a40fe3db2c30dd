import { lazy } from "../../collections/lazy.ts";
import type { LlhttpExports } from "./module.ts";
import { instantiate } from "./module.ts";
import { BODY_PART, FIELD_PART, STATUS_PART, Spans, URL_PART, VALUE_PART } from "./spans.ts";

/** How many bytes are parsed at once: as many as Node.js reads at once from a socket. */
export const WINDOW_BYTES = 65_536;

/** Results of llhttp: all is well, or a callback has paused it. */
export const OK = 0;
export const PAUSED = 21;

/**
 * An instance of llhttp. Its memory holds one window of bytes, into which each read is copied, and the parsers, 80 bytes each. What
 * it calls runs no other code, so that one parser is at work at a time, and what it finds is read before the next one begins.
 */
export class Llhttp {
  /** The parts that the latest call of {@link execute} has found; offsets are those in its window. */
  readonly spans: Spans = new Spans();
  readonly exports: LlhttpExports;
  isMessageComplete = false;
  /** The status of the latest head, if it is one of a response. */
  status = 0;
  isUpgrade = false;
  /** By the version, `Connection`, and the framing of the latest head. */
  shouldKeepAlive = false;
  readonly #windowAt: number;
  #memory: Uint8Array;

  constructor() {
    const record = (part: number) => (_parser: number, at: number, length: number) => {
      this.spans.add(part, at - this.#windowAt, length);
      return OK;
    };
    this.exports = instantiate({
      wasm_on_message_begin: () => OK,
      wasm_on_url: record(URL_PART),
      wasm_on_status: record(STATUS_PART),
      wasm_on_header_field: record(FIELD_PART),
      wasm_on_header_value: record(VALUE_PART),
      wasm_on_body: record(BODY_PART),
      wasm_on_headers_complete: (_parser, status, upgrade, shouldKeepAlive) => {
        this.status = status;
        this.isUpgrade = upgrade === 1;
        this.shouldKeepAlive = shouldKeepAlive === 1;
        return PAUSED;
      },
      wasm_on_message_complete: () => {
        this.isMessageComplete = true;
        return PAUSED;
      },
    });
    this.#windowAt = this.exports.malloc(WINDOW_BYTES);
    this.#memory = new Uint8Array(this.exports.memory.buffer);
  }

  /** @param bytes no more than a window. @returns {@link OK}, {@link PAUSED}, or the code of an error. */
  execute(parser: number, bytes: Uint8Array): number {
    // A memory that has grown has another buffer.
    if (this.#memory.length === 0) this.#memory = new Uint8Array(this.exports.memory.buffer);
    this.#memory.set(bytes, this.#windowAt);
    this.spans.clear();
    this.isMessageComplete = false;
    return this.exports.llhttp_execute(parser, this.#windowAt, bytes.length);
  }

  /** Where the parser was paused or failed, as an offset in the window. */
  positionOf(parser: number): number {
    return this.exports.llhttp_get_error_pos(parser) - this.#windowAt;
  }

  /** A text in the memory, which ends with a NUL; empty for no text. */
  textAt(pointer: number): string {
    if (pointer === 0) return "";
    const memory = Buffer.from(this.exports.memory.buffer);
    return memory.toString("latin1", pointer, memory.indexOf(0, pointer));
  }
}

/**
 * The instance of this process, which is made at its first use: a process that does not parse with it runs with any version of undici.
 *
 * @throws {UnknownLlhttpError}
 */
export const sharedLlhttp: () => Llhttp = lazy(() => new Llhttp());

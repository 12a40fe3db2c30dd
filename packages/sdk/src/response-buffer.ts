import { refuse } from "capability-protocol/result";
import { invalidResponse } from "./error.ts";

/** More than a thousand membranes with the longest ids take. A response without end must not fill the memory. */
const MAX_RESPONSE_BYTES = 16 * 1024 * 1024;

const INITIAL_BUFFER_BYTES = 16 * 1024;

/** Collects the body of a response. */
export class ResponseBuffer {
  readonly #status: number;
  #bytes = new Uint8Array(INITIAL_BUFFER_BYTES);
  #length = 0;

  /** @param status of the response. */
  constructor(status: number) {
    this.#status = status;
  }

  /**
   * Copies a piece: to keep the pieces would take some 360 bytes for each.
   *
   * @throws CapabilityError once there are more than 16 MiB.
   */
  add(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (length > MAX_RESPONSE_BYTES)
      throw invalidResponse(this.#status, refuse("body", "at most 16 MiB").error);
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.#length);
    this.#length = length;
  }

  /** Decodes the body. Bytes that are not UTF-8 become U+FFFD, as in `Response.text()`. */
  text(): string {
    return new TextDecoder().decode(this.#bytes.subarray(0, this.#length));
  }
}

import type { Problem, Result } from "capability-protocol";
import { ok } from "capability-protocol";
import type { AwsChunkedFraming } from "capability-protocol/signers";
import type { KeptPart } from "./kept-part.ts";
import { JoinedRanges } from "./joined-ranges.ts";
import { CR, LF, invalidBody } from "./syntax.ts";
import { TrailerSection } from "./trailer-section.ts";

/**
 * What the next byte belongs to. A chunk is its size in hexadecimal digits, `;chunk-signature=` and the signature if chunks are
 * signed, CRLF, its data, CRLF. The last chunk has no data, and trailers in place of it.
 */
type State =
  | "size"
  | "signature_name"
  | "signature"
  | "size_lf"
  | "data"
  | "data_cr"
  | "data_lf"
  | "trailers"
  | "end";

const MAX_SIZE_DIGITS = 16;
const SIGNATURE_NAME = Buffer.from(";chunk-signature=");
const SIGNATURE_DIGITS = 64;

const NOTHING = Buffer.alloc(0);

const KEPT: Result<boolean, Problem> = ok(true);
const SKIPPED: Result<boolean, Problem> = ok(false);

/**
 * Reads an aws-chunked body in pieces, and returns what is kept of each. The end is returned last, once all of the body was
 * valid: a target never gets a whole body of which a part was not.
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 */
export class AwsChunkedReader {
  readonly #isSigned: boolean;
  readonly #keptPart: KeptPart;
  readonly #trailers: TrailerSection;
  #state: State = "size";
  /** How many bytes of the size, the signature's name or the signature were read. */
  #read = 0;
  /** The size of the current chunk, then how many bytes of its data are missing. */
  #size = 0;
  /** How many bytes of the content are missing after the current chunk. */
  #missing: number;
  /** The last byte of the content. */
  #lastByte: Buffer = NOTHING;

  constructor(framing: AwsChunkedFraming, keptPart: KeptPart) {
    this.#isSigned = framing.isSigned;
    this.#keptPart = keptPart;
    this.#trailers = new TrailerSection(framing);
    this.#missing = framing.decodedLength;
  }

  /** Flat list: lower-case name, value, …; complete at the end. */
  get trailers(): readonly string[] {
    return this.#trailers.fields;
  }

  read(input: Buffer): Result<Buffer, Problem> {
    const kept = new JoinedRanges(input);
    for (let at = 0; at < input.length;) {
      if (this.#state === "data") {
        at += this.#readData(input, at, kept);
        continue;
      }
      const isKept = this.#readFrameByte(input[at] ?? 0);
      if (!isKept.ok) return isKept;
      if (isKept.value && this.#keptPart === "chunks") kept.add(at, at + 1);
      at += 1;
    }
    return ok(kept.take());
  }

  /** Returns what was withheld, once the body has ended. */
  end(): Result<Buffer, Problem> {
    if (this.#state !== "end") return invalidBody("the last chunk, of size 0, before the end");
    return ok(this.#keptPart === "content" ? this.#lastByte : Buffer.from(this.#trailers.text, "latin1"));
  }

  /** @returns how many bytes of data the input has from there on. */
  #readData(input: Buffer, at: number, kept: JoinedRanges): number {
    const length = Math.min(this.#size, input.length - at);
    this.#size -= length;
    if (this.#size === 0) this.#state = "data_cr";
    const isEndOfContent = this.#size === 0 && this.#missing === 0 && this.#keptPart === "content";
    const end = at + length - (isEndOfContent ? 1 : 0);
    kept.add(at, end);
    if (isEndOfContent) this.#lastByte = Buffer.from(input.subarray(end, end + 1));
    return length;
  }

  /** @returns whether the byte belongs to a chunk without its signature. */
  #readFrameByte(byte: number): Result<boolean, Problem> {
    switch (this.#state) {
      case "size":
        return this.#readSize(byte);
      case "signature_name":
        return this.#readSignatureName(byte);
      case "signature":
        return this.#readSignature(byte);
      case "size_lf":
        return byte === LF ? this.#endSize() : invalidBody("LF after CR");
      case "data_cr":
        return byte === CR ? this.#goTo("data_lf") : invalidBody("CRLF after the data of a chunk");
      case "data_lf":
        return byte === LF ? this.#goTo("size") : invalidBody("CRLF after the data of a chunk");
      case "trailers": {
        const isComplete = this.#trailers.readByte(byte);
        if (!isComplete.ok) return isComplete;
        if (isComplete.value) this.#state = "end";
        return SKIPPED;
      }
      case "data":
      case "end":
        return invalidBody("no byte after the end of the chunks");
    }
  }

  #readSize(byte: number): Result<boolean, Problem> {
    const digit = hexValue(byte);
    if (digit !== undefined) {
      if (this.#read === MAX_SIZE_DIGITS)
        return invalidBody(`a chunk size of at most ${MAX_SIZE_DIGITS} digits`);
      this.#size = (this.#read === 0 ? 0 : this.#size * 16) + digit;
      this.#read += 1;
      return KEPT;
    }
    if (this.#read === 0) return invalidBody("a chunk that begins with its size in hexadecimal digits");
    if (!this.#isSigned)
      return byte === CR ? this.#goTo("size_lf") : invalidBody("CRLF after the size of a chunk");
    this.#state = "signature_name";
    this.#read = 0;
    return this.#readSignatureName(byte);
  }

  #readSignatureName(byte: number): Result<boolean, Problem> {
    if (byte !== SIGNATURE_NAME[this.#read])
      return invalidBody(`${SIGNATURE_NAME.toString()} after the size of a chunk`);
    this.#read += 1;
    if (this.#read === SIGNATURE_NAME.length) this.#goTo("signature");
    return SKIPPED;
  }

  #readSignature(byte: number): Result<boolean, Problem> {
    if (this.#read === SIGNATURE_DIGITS && byte === CR) return this.#goTo("size_lf");
    if (this.#read === SIGNATURE_DIGITS || !isLowerCaseHex(byte)) {
      return invalidBody(
        `a chunk signature of ${SIGNATURE_DIGITS} hexadecimal digits in lower case, then CRLF`,
      );
    }
    this.#read += 1;
    return SKIPPED;
  }

  #endSize(): Result<boolean, Problem> {
    if (this.#size > this.#missing) return invalidBody("no more content than X-Amz-Decoded-Content-Length");
    if (this.#size > 0) {
      this.#missing -= this.#size;
      return this.#goTo("data");
    }
    if (this.#missing > 0) return invalidBody("as much content as X-Amz-Decoded-Content-Length");
    return this.#goTo("trailers");
  }

  #goTo(state: State): Result<boolean, Problem> {
    this.#state = state;
    this.#read = 0;
    return KEPT;
  }
}

function hexValue(byte: number): number | undefined {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : undefined;
}

function isLowerCaseHex(byte: number): boolean {
  return hexValue(byte) !== undefined && (byte | 0x20) === byte;
}

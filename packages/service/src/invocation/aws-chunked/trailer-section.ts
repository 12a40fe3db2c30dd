import type { Problem, Result } from "capability-protocol";
import { ok } from "capability-protocol";
import type { AwsChunkedFraming } from "capability-protocol/signers";
import { CR, LF, invalidBody } from "./syntax.ts";

/** Lengths of a line and of all lines, in bytes, without their line ends. */
const MAX_LINE_BYTES = 1024;
const MAX_SECTION_BYTES = 4 * 1024;

const SIGNATURE_NAME = "x-amz-trailer-signature";
const INCOMPLETE: Result<boolean, Problem> = ok(false);
const COMPLETE: Result<boolean, Problem> = ok(true);

const SIGNATURE = /^[\da-f]{64}$/;

/** What follows the last chunk: a line for each announced trailer, one for their signature if chunks are signed, an empty line. */
export class TrailerSection {
  readonly #missing: Set<string>;
  #awaitsSignature: boolean;
  readonly #fields: string[] = [];
  #line = "";
  #isAfterCr = false;
  #bytes = 0;
  #text = "";

  constructor({ trailerNames, isSigned }: AwsChunkedFraming) {
    this.#missing = new Set(trailerNames);
    this.#awaitsSignature = isSigned && trailerNames.length > 0;
  }

  /** Flat list: lower-case name, value, … */
  get fields(): readonly string[] {
    return this.#fields;
  }

  /** The section as it came, without the signature. */
  get text(): string {
    return this.#text;
  }

  /** @returns whether the section is complete, or what is wrong with it. */
  readByte(byte: number): Result<boolean, Problem> {
    if (this.#isAfterCr) {
      if (byte !== LF) return invalidBody("LF after CR");
      this.#isAfterCr = false;
      return this.#endLine();
    }
    if (byte === CR) {
      this.#isAfterCr = true;
      return INCOMPLETE;
    }
    if (byte < 0x20 || byte > 0x7e) return invalidBody("printable ASCII in trailers, and CRLF after each");
    this.#bytes += 1;
    if (this.#line.length === MAX_LINE_BYTES || this.#bytes > MAX_SECTION_BYTES) {
      return invalidBody(`trailers of at most ${MAX_LINE_BYTES} bytes, together ${MAX_SECTION_BYTES}`);
    }
    this.#line += String.fromCharCode(byte);
    return INCOMPLETE;
  }

  #endLine(): Result<boolean, Problem> {
    const line = this.#line;
    this.#line = "";
    if (line === "") return this.#end();
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === SIGNATURE_NAME) return this.#takeSignature(value);
    if (!this.#missing.delete(name) || value === "") {
      return invalidBody("the trailers that X-Amz-Trailer names, each once, with a value");
    }
    this.#fields.push(name, value);
    this.#text += `${line}\r\n`;
    return INCOMPLETE;
  }

  #takeSignature(value: string): Result<boolean, Problem> {
    if (!this.#awaitsSignature || this.#missing.size > 0 || !SIGNATURE.test(value)) {
      return invalidBody(`${SIGNATURE_NAME} once, after the trailers of signed chunks`);
    }
    this.#awaitsSignature = false;
    return INCOMPLETE;
  }

  #end(): Result<boolean, Problem> {
    if (this.#missing.size > 0) return invalidBody("all trailers that X-Amz-Trailer names");
    if (this.#awaitsSignature) return invalidBody(`${SIGNATURE_NAME} after the trailers of signed chunks`);
    this.#text += "\r\n";
    return COMPLETE;
  }
}

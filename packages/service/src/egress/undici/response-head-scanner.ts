const CR = 0x0d;
const LF = 0x0a;
const LETTER_H = 0x48;
const ZERO = 0x30;
const ONE = 0x31;
const TWO = 0x32;

/** Positions in a status line, `HTTP/1.1 100`. */
const MAJOR_VERSION = 5;
const STATUS = 9;
const STATUS_END = STATUS + 2;

/** What the next byte belongs to. A part that ends in a CR ends with the byte after it, which must be an LF. */
type Part =
  | "empty lines"
  | "status line"
  | "end of status line"
  | "start of header line"
  | "header line"
  | "end of header line"
  | "end of head"
  | "rest";

/**
 * Reads the heads of a response before undici does, in whatever pieces they arrive: those of its interim responses, and the
 * status line of the final one.
 *
 * It refuses a CR without an LF, which is never part of a line (RFC 9112 §2.2): llhttp takes a second CR for the end of a status
 * line, and the rest of the head would be body. In header lines llhttp refuses it itself.
 *
 * It changes each 100 (Continue) to a 102. Undici asks for no 100 and fails the connection when one comes, but a client must
 * accept any interim response (RFC 9110 §15.2), and some servers send a 100 with every body. As a 102 it is dropped.
 */
export class ResponseHeadScanner {
  #part: Part = "empty lines";
  /** How many characters of the status line were read. */
  #column = 0;
  #isHttp1 = false;
  #isInterim = false;
  #isContinue = false;
  #expectsUpgrade = false;
  #isSwitch = false;

  /** Whether the status line of the final response was read: {@link scan} has no effect any more. */
  get isDone(): boolean {
    return this.#part === "rest";
  }

  /** Expects another response. */
  reset(): void {
    this.#part = "empty lines";
    this.#expectsUpgrade = false;
  }

  /** Expects a response that may switch protocols: what follows the head of a 101 is not a head. */
  expectUpgrade(): void {
    this.#expectsUpgrade = true;
  }

  /**
   * @param bytes changed in place.
   * @returns whether undici may read them.
   */
  scan(bytes: Buffer): boolean {
    if (this.#part === "empty lines" && isFinalStatusLine(bytes)) this.#part = "rest";
    for (let at = 0; at < bytes.length;) {
      switch (this.#part) {
        case "empty lines":
          if (bytes[at] === CR || bytes[at] === LF) at += 1;
          else this.#startStatusLine();
          break;
        case "status line":
          at = this.#readStatusLine(bytes, at);
          break;
        case "start of header line":
          this.#part = bytes[at] === CR ? "end of head" : "header line";
          at += bytes[at] === CR ? 1 : 0;
          break;
        case "header line":
          at = this.#readToCr(bytes, at, "end of header line");
          break;
        case "end of status line":
        case "end of header line":
        case "end of head":
          if (bytes[at] !== LF) return false;
          this.#endLine();
          at += 1;
          break;
        case "rest":
          return true;
      }
    }
    return true;
  }

  #startStatusLine(): void {
    this.#part = "status line";
    this.#column = 0;
    this.#isHttp1 = this.#isInterim = this.#isContinue = this.#isSwitch = false;
  }

  #readStatusLine(bytes: Buffer, from: number): number {
    let at = from;
    for (; this.#column <= STATUS_END && at < bytes.length; at += 1, this.#column += 1)
      this.#readStatus(bytes, at);
    return this.#readToCr(bytes, at, "end of status line");
  }

  #readStatus(bytes: Buffer, at: number): void {
    const byte = bytes[at];
    switch (this.#column) {
      case MAJOR_VERSION:
        this.#isHttp1 = byte === ONE;
        break;
      case STATUS:
        this.#isInterim = byte === ONE;
        break;
      case STATUS + 1:
        this.#isContinue = this.#isHttp1 && this.#isInterim && byte === ZERO;
        break;
      case STATUS_END:
        if (this.#isContinue && byte === ZERO) bytes.fill(TWO, at, at + 1);
        this.#isSwitch = this.#isContinue && byte === ONE && this.#expectsUpgrade;
    }
  }

  #readToCr(bytes: Buffer, from: number, next: Part): number {
    const at = bytes.indexOf(CR, from);
    if (at === -1) return bytes.length;
    this.#part = next;
    return at + 1;
  }

  #endLine(): void {
    if (this.#part === "end of head") this.#part = this.#isSwitch ? "rest" : "empty lines";
    else this.#part = this.#isInterim ? "start of header line" : "rest";
  }
}

/** Whether the bytes begin with a whole status line of a final response, as nearly all do: this takes one search for a CR. */
function isFinalStatusLine(bytes: Buffer): boolean {
  return bytes[0] === LETTER_H && bytes[STATUS] !== ONE && bytes[bytes.indexOf(CR, STATUS) + 1] === LF;
}

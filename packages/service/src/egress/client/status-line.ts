const CR = 0x0d;
const LF = 0x0a;

/**
 * Checks that the CR of a status line comes before an LF, in whatever pieces the line arrives. llhttp takes a second CR for the end
 * of the line, and the rest of the head would be body (RFC 9112 §2.2). In header lines llhttp refuses it itself.
 */
export class StatusLine {
  #part: "empty lines" | "line" | "end of line" | "rest" = "empty lines";

  /** Expects another status line. */
  reset(): void {
    this.#part = "empty lines";
  }

  /** @param text what follows what was scanned before. @returns whether it may be part of a response. */
  scan(text: string): boolean {
    let at = 0;
    if (this.#part === "empty lines") {
      while (isLineEnd(text.charCodeAt(at))) at += 1;
      if (at < text.length) this.#part = "line";
    }
    if (this.#part === "line") {
      const end = text.indexOf("\r", at);
      if (end === -1) return true;
      at = end + 1;
      this.#part = "end of line";
    }
    if (this.#part === "rest" || at === text.length) return true;
    this.#part = "rest";
    return text.charCodeAt(at) === LF;
  }
}

function isLineEnd(code: number): boolean {
  return code === CR || code === LF;
}

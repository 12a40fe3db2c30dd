import { Writable } from "node:stream";

/** What readline draws: the echo of what is typed, passed on or swallowed. */
export class MutedOutput extends Writable {
  isEchoed = false;
  readonly #output: Writable;

  constructor(output: Writable) {
    super();
    this.#output = output;
  }

  /** Readline asks for the width of the terminal here, to know where a long answer wraps. */
  get columns(): number | undefined {
    const output: object = this.#output;
    return "columns" in output && typeof output.columns === "number" ? output.columns : undefined;
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.isEchoed) this.#output.write(chunk);
    done();
  }
}

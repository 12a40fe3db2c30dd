import { Writable } from "node:stream";

/** The output of readline, which echoes what is typed. It is passed on or dropped. */
export class MutedOutput extends Writable {
  isEchoed = false;
  readonly #output: Writable;

  constructor(output: Writable) {
    super();
    this.#output = output;
  }

  /** The width of the terminal, which readline needs to wrap a long answer. */
  get columns(): number | undefined {
    const output: object = this.#output;
    return "columns" in output && typeof output.columns === "number" ? output.columns : undefined;
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.isEchoed) this.#output.write(chunk);
    done();
  }
}

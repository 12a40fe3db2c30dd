import { Writable } from "node:stream";

/** What readline draws: the echo of what is typed, passed on or swallowed. */
export class Screen extends Writable {
  isShown = false;
  readonly #screen: Writable;

  constructor(screen: Writable) {
    super();
    this.#screen = screen;
  }

  /** Readline asks for the width of the terminal here, to know where a long answer wraps. */
  get columns(): number | undefined {
    const screen: object = this.#screen;
    return "columns" in screen && typeof screen.columns === "number" ? screen.columns : undefined;
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.isShown) this.#screen.write(chunk);
    done();
  }
}

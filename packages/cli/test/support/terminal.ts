import { PassThrough, Writable } from "node:stream";
import { Transcript } from "../../../testkit/src/pseudo-terminal.ts";
import type { Io } from "../../src/io.ts";

export const CTRL_C = "\u0003";
export const CTRL_D = "\u0004";
export const CTRL_Z = "\u001a";

/** Stores what is written to it. */
export class CapturedOutput extends Writable {
  readonly isTTY: boolean;
  readonly #transcript = new Transcript();

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  get text(): string {
    return this.#transcript.text;
  }

  until(wanted: string, times?: number): Promise<void> {
    return this.#transcript.until(wanted, times);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#transcript.add(chunk.toString());
    done();
  }
}

/** Standard input into which a test types, with the state of raw mode. */
function openInput(isTTY: boolean) {
  return Object.assign(new PassThrough(), {
    isTTY,
    isRaw: false,
    setRawMode(isRaw: boolean) {
      this.isRaw = isRaw;
    },
  });
}

/** An {@link Io} for commands that run in this process. */
export interface TestIo extends Io {
  readonly stdin: ReturnType<typeof openInput>;
  readonly stdout: CapturedOutput;
  readonly stderr: CapturedOutput;
}

export function createTestIo(profiles: string, isTerminal = true): TestIo {
  return {
    stdin: openInput(isTerminal),
    stdout: new CapturedOutput(isTerminal),
    stderr: new CapturedOutput(isTerminal),
    profiles: async () => profiles,
    isColored: false,
    shell: "bash",
  };
}

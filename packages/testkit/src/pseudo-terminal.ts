import { spawn } from "@lydell/node-pty";

/** A text that grows. One can wait for a string to appear in it. */
export class Transcript {
  text = "";
  #waiting: (() => void)[] = [];

  add(more: string): void {
    this.text += more;
    this.#waiting.splice(0).forEach((look) => look());
  }

  /** Resolves once the string has appeared that many times. */
  async until(wanted: string, times = 1): Promise<void> {
    while (this.text.split(wanted).length <= times) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

/** A program in a separate pseudo-terminal. */
export interface Terminal extends Disposable {
  /** Everything that the terminal has shown. */
  readonly shown: () => string;
  until(wanted: string, times?: number): Promise<void>;
  /** Types text like a keyboard: Enter is a carriage return. */
  type(text: string): void;
  readonly ended: Promise<number>;
}

/**
 * Shell script that keeps the terminal open after the program: node-pty closes a terminal 200 ms after its program has ended,
 * even if its output was not read yet.
 */
const HOLD = `trap : INT; "$@"; printf '[ended with %s]' "$?"; exec sleep 600`;

/** The text that {@link HOLD} writes after the output. */
const ENDED = /\[ended with (\d+)\]/;

export function openTerminal(program: string, args: string[], env: Record<string, string>): Terminal {
  const pty = spawn("sh", ["-c", HOLD, "sh", program, ...args], { cols: 400, rows: 50, env });
  const transcript = new Transcript();
  let isOver = false;
  const end = (): void => {
    // A program that still runs gets SIGHUP, since its terminal closes.
    if (!isOver) pty.kill("SIGKILL");
    isOver = true;
  };
  const ended = new Promise<number>((resolve) => {
    pty.onData((text) => {
      transcript.add(text);
      const code = ENDED.exec(transcript.text)?.[1];
      if (code === undefined) return;
      end();
      resolve(Number(code));
    });
    pty.onExit(({ exitCode }) => {
      isOver = true;
      resolve(exitCode);
    });
  });
  return {
    shown: () => transcript.text.replace(ENDED, ""),
    until: (wanted, times) => transcript.until(wanted, times),
    type: (text) => pty.write(text),
    ended,
    [Symbol.dispose]: end,
  };
}

import { createInterface } from "node:readline";
import type { Interface } from "node:readline";
import type { Writable } from "node:stream";
import type { Parsed } from "capability-protocol";
import { CliError } from "../../../errors/cli-error.ts";
import type { Io } from "../../../io.ts";
import { MutedOutput } from "./muted-output.ts";

/** A question to the user. */
export interface PromptQuestion {
  /** Shown unchanged, so it ends with a colon and a space. */
  readonly text: string;
  /** Whether typed text is shown; false for a secret. */
  readonly isEchoed: boolean;
}

const MAX_ATTEMPTS = 3;

/**
 * A dialogue on standard error with the user at the terminal of standard input. It stays open for all questions, so that raw mode
 * continues between them and the terminal does not show a secret that is pasted before its question.
 */
export class Prompt {
  readonly #stderr: Writable;
  readonly #output: MutedOutput;
  readonly #reader: Interface;
  /** Lines that arrived before their questions, for example when several answers are pasted at once. */
  readonly #queued: string[] = [];
  #pending: PendingQuestion | undefined;
  #isClosed = false;

  /** The caller must close it, even after an error: the terminal is in raw mode until then. */
  constructor({ stdin, stderr }: Pick<Io, "stdin" | "stderr">) {
    this.#stderr = stderr;
    this.#output = new MutedOutput(stderr);
    this.#reader = createInterface({
      input: stdin,
      output: this.#output,
      terminal: true,
      prompt: "",
      // With a history, the up arrow would show a secret at a question whose answer is shown.
      historySize: 0,
      // An LF after a CR, however late, ends the same line: it must not be an Enter for the next question.
      crlfDelay: Infinity,
    });
    this.#reader.on("line", (line) => this.#onLine(line));
    this.#reader.on("close", () => this.#cancel());
    this.#reader.on("SIGCONT", () => this.#continue());
  }

  /**
   * Returns the answer without white space around it; empty when only Enter was pressed.
   *
   * @throws CliError when it is cancelled: Ctrl-C, Ctrl-D, or the end of the input.
   */
  async ask(question: PromptQuestion): Promise<string> {
    if (this.#isClosed) throw cancelled();
    const queued = this.#queued.shift();
    if (queued !== undefined) {
      this.#stderr.write(`${question.text}\n`);
      return queued.trim();
    }
    this.#show(question);
    const line = await new Promise<string>((resolve, reject) => {
      this.#pending = { question, resolve, reject };
    });
    return line.trim();
  }

  /**
   * Returns what `read` makes of the answer. While it refuses, shows what was expected and asks again, three times in all.
   *
   * @throws CliError when the third answer is also wrong, or when it is cancelled.
   */
  async askUntilValid<T>(question: PromptQuestion, read: (answer: string) => Promise<Parsed<T>>): Promise<T> {
    let expected = "";
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const answer = await read(await this.ask(question));
      if (answer.ok) return answer.value;
      ({ expected } = answer.error);
      this.#stderr.write(`Expected ${expected}.\n`);
      // Queued answers are for the questions after this one: each would be taken for the question before its own.
      this.#queued.length = 0;
    }
    throw new CliError(`wrong answer, ${MAX_ATTEMPTS} times: expected ${expected}`, NOTHING_STORED);
  }

  /** @throws CliError when there were more answers than questions, since some may have reached the wrong ones. */
  requireNoMoreInput(): void {
    if (this.#queued.every((line) => line.trim() === "")) return;
    throw new CliError("there were more answers than questions", NOTHING_STORED);
  }

  /** Restores the terminal. */
  close(): void {
    this.#reader.close();
  }

  #show({ text, isEchoed }: PromptQuestion): void {
    if (!isEchoed) return void this.#stderr.write(text);
    this.#output.isEchoed = true;
    this.#reader.setPrompt(text);
    this.#reader.prompt();
  }

  #onLine(line: string): void {
    const pending = this.#takePending();
    if (pending === undefined) this.#queued.push(line);
    else pending.resolve(line);
  }

  #cancel(): void {
    this.#isClosed = true;
    this.#takePending()?.reject(cancelled());
  }

  /** Removes the question that waits for an answer, if any, and mutes the echo. */
  #takePending(): PendingQuestion | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    this.#output.isEchoed = false;
    // Enter moves to a new line on the screen only if the answer is shown.
    if (pending?.question.isEchoed === false || (pending !== undefined && this.#isClosed))
      this.#stderr.write("\n");
    return pending;
  }

  /** Continues after Ctrl-Z: readline must be resumed, and redraws only an answer that is shown. */
  #continue(): void {
    this.#reader.resume();
    // Readline sets raw mode after it emits the event. A question that is shown before that could have its secret echoed.
    queueMicrotask(() => {
      if (this.#pending?.question.isEchoed === false) this.#stderr.write(this.#pending.question.text);
    });
  }
}

interface PendingQuestion {
  readonly question: PromptQuestion;
  readonly resolve: (line: string) => void;
  readonly reject: (reason: CliError) => void;
}

const NOTHING_STORED = "Nothing was stored.";

function cancelled(): CliError {
  return new CliError("cancelled", NOTHING_STORED);
}

import { createInterface } from "node:readline";
import type { Interface } from "node:readline";
import type { Writable } from "node:stream";
import type { Parsed } from "capability-protocol";
import { CliError } from "../../../errors/cli-error.ts";
import type { Io } from "../../../io.ts";
import { MutedOutput } from "./muted-output.ts";

/** What a person is asked for. */
export interface PromptQuestion {
  /** Shown unchanged, so it ends with a colon and a space. */
  readonly text: string;
  /** Whether what is typed is shown: never for a secret. */
  readonly isEchoed: boolean;
}

const MAX_ATTEMPTS = 3;

/**
 * A dialogue on standard error with the user at the terminal of standard input. One stays open for all questions:
 * raw mode holds in between, so that the terminal does not show a secret which is pasted before it is asked for.
 */
export class Prompt {
  readonly #stderr: Writable;
  readonly #output: MutedOutput;
  readonly #reader: Interface;
  /** Lines that came before their questions did, as when several answers are pasted at once. */
  readonly #queued: string[] = [];
  #pending: PendingQuestion | undefined;
  #isClosed = false;

  /** The caller closes it, whatever happens: the terminal is in raw mode until then. */
  constructor({ stdin, stderr }: Pick<Io, "stdin" | "stderr">) {
    this.#stderr = stderr;
    this.#output = new MutedOutput(stderr);
    this.#reader = createInterface({
      input: stdin,
      output: this.#output,
      terminal: true,
      prompt: "",
      // The up arrow would bring a secret back at a question that is echoed.
      historySize: 0,
      // CR LF is one end of line, however late the LF comes: not an Enter for the next question.
      crlfDelay: Infinity,
    });
    this.#reader.on("line", (line) => this.#onLine(line));
    this.#reader.on("close", () => this.#cancel());
    this.#reader.on("SIGCONT", () => this.#continue());
  }

  /**
   * The answer, without white space around it; empty when only Enter was pressed.
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
   * What `read` makes of the answer. While it refuses, says what was expected and asks again, three times in all.
   *
   * @throws CliError when the third answer is wrong too, or when it is cancelled.
   */
  async askUntilValid<T>(question: PromptQuestion, read: (answer: string) => Promise<Parsed<T>>): Promise<T> {
    let expected = "";
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const answer = await read(await this.ask(question));
      if (answer.ok) return answer.value;
      ({ expected } = answer.error);
      this.#stderr.write(`Expected ${expected}.\n`);
      // They were meant for the questions that follow: given to this one, each would land one place too early.
      this.#queued.length = 0;
    }
    throw new CliError(`wrong answer, ${MAX_ATTEMPTS} times: expected ${expected}`, NOTHING_STORED);
  }

  /** @throws CliError when there were more answers than questions: then some may have gone to the wrong ones. */
  requireNoMoreInput(): void {
    if (this.#queued.every((line) => line.trim() === "")) return;
    throw new CliError("there were more answers than questions", NOTHING_STORED);
  }

  /** Gives the terminal back as it was. */
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

  /** Takes the question that waits for an answer, if any, and mutes the echo. */
  #takePending(): PendingQuestion | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    this.#output.isEchoed = false;
    // Enter ends the line on the screen only if it is shown.
    if (pending?.question.isEchoed === false || (pending !== undefined && this.#isClosed))
      this.#stderr.write("\n");
    return pending;
  }

  /** Back from Ctrl-Z: readline waits to be resumed, and draws again only what is echoed. */
  #continue(): void {
    this.#reader.resume();
    // Readline sets raw mode after it has emitted the event: a question that shows before invites a secret to be echoed.
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

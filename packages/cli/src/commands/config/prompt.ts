import { createInterface } from "node:readline";
import type { Interface } from "node:readline";
import type { Writable } from "node:stream";
import type { Parsed } from "capability-protocol";
import { Failure } from "../../failure/failure.ts";
import type { World } from "../../world.ts";
import { Screen } from "./screen.ts";

/** What a person is asked for. */
export interface Question {
  /** Shown as it stands, so it ends with a colon and a space. */
  readonly text: string;
  /** Whether what is typed is shown: never for a secret. */
  readonly isEchoed: boolean;
}

const ATTEMPTS = 3;

/**
 * A dialogue on standard error with whoever sits at the terminal of standard input. One stays open for all questions:
 * raw mode holds in between, so that the terminal does not show a secret which is pasted before it is asked for.
 */
export class Prompt {
  readonly #stderr: Writable;
  readonly #screen: Screen;
  readonly #reader: Interface;
  /** Lines that came before their questions did, as when several answers are pasted at once. */
  readonly #ahead: string[] = [];
  #asked: Asked | undefined;
  #isClosed = false;

  /** The caller closes it, whatever happens: the terminal is in raw mode until then. */
  constructor({ stdin, stderr }: Pick<World, "stdin" | "stderr">) {
    this.#stderr = stderr;
    this.#screen = new Screen(stderr);
    this.#reader = createInterface({
      input: stdin,
      output: this.#screen,
      terminal: true,
      prompt: "",
      // The up arrow would bring a secret back at a question that is echoed.
      historySize: 0,
      // CR LF is one end of line, however late the LF comes: not an Enter for the next question.
      crlfDelay: Infinity,
    });
    this.#reader.on("line", (line) => this.#answer(line));
    this.#reader.on("close", () => this.#cancel());
    this.#reader.on("SIGCONT", () => this.#continue());
  }

  /**
   * The answer, without white space around it; empty when only Enter was pressed.
   *
   * @throws Failure when it is cancelled: Ctrl-C, Ctrl-D, or the end of the input.
   */
  async ask(question: Question): Promise<string> {
    if (this.#isClosed) throw cancelled();
    const ahead = this.#ahead.shift();
    if (ahead !== undefined) {
      this.#stderr.write(`${question.text}\n`);
      return ahead.trim();
    }
    this.#show(question);
    const line = await new Promise<string>((resolve, reject) => {
      this.#asked = { question, resolve, reject };
    });
    return line.trim();
  }

  /**
   * What `read` makes of the answer. While it refuses, says what was expected and asks again, three times in all.
   *
   * @throws Failure when the third answer is wrong too, or when it is cancelled.
   */
  async askUntilRight<T>(question: Question, read: (answer: string) => Promise<Parsed<T>>): Promise<T> {
    let expected = "";
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const answer = await read(await this.ask(question));
      if (answer.ok) return answer.value;
      ({ expected } = answer.problem);
      this.#stderr.write(`Expected ${expected}.\n`);
      // They were meant for the questions that follow: given to this one, each would land one place too early.
      this.#ahead.length = 0;
    }
    throw new Failure(`wrong answer, ${ATTEMPTS} times: expected ${expected}`, NOTHING_STORED);
  }

  /** @throws Failure when there were more answers than questions: then some may have gone to the wrong ones. */
  requireNoMore(): void {
    if (this.#ahead.every((line) => line.trim() === "")) return;
    throw new Failure("there were more answers than questions", NOTHING_STORED);
  }

  /** Gives the terminal back as it was. */
  close(): void {
    this.#reader.close();
  }

  #show({ text, isEchoed }: Question): void {
    if (!isEchoed) return void this.#stderr.write(text);
    this.#screen.isShown = true;
    this.#reader.setPrompt(text);
    this.#reader.prompt();
  }

  #answer(line: string): void {
    const asked = this.#take();
    if (asked === undefined) this.#ahead.push(line);
    else asked.resolve(line);
  }

  #cancel(): void {
    this.#isClosed = true;
    this.#take()?.reject(cancelled());
  }

  /** Whoever waits for an answer, if somebody does; from here on what is typed is hidden again. */
  #take(): Asked | undefined {
    const asked = this.#asked;
    this.#asked = undefined;
    this.#screen.isShown = false;
    // Enter ends the line on the screen only if it is shown.
    if (asked?.question.isEchoed === false || (asked !== undefined && this.#isClosed))
      this.#stderr.write("\n");
    return asked;
  }

  /** Back from Ctrl-Z: readline waits to be resumed, and draws again only what is echoed. */
  #continue(): void {
    this.#reader.resume();
    // Readline sets raw mode after it has told us: a question that shows before invites a secret to be echoed.
    queueMicrotask(() => {
      if (this.#asked?.question.isEchoed === false) this.#stderr.write(this.#asked.question.text);
    });
  }
}

interface Asked {
  readonly question: Question;
  readonly resolve: (line: string) => void;
  readonly reject: (reason: Failure) => void;
}

const NOTHING_STORED = "Nothing was stored.";

function cancelled(): Failure {
  return new Failure("cancelled", NOTHING_STORED);
}

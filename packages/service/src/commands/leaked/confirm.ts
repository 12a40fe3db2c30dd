import { closeSync, openSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { ReadStream, WriteStream } from "node:tty";

/**
 * Asks a question at the terminal of the process, whose standard input may be a text that it reads.
 *
 * @returns whether the answer is yes; a process without a terminal gets none.
 */
export async function confirmAtTerminal(question: string): Promise<boolean> {
  const [reading, writing] = [openTerminal("r"), openTerminal("w")];
  if (reading === undefined || writing === undefined) {
    for (const descriptor of [reading, writing]) if (descriptor !== undefined) closeSync(descriptor);
    return false;
  }
  const [input, output] = [new ReadStream(reading), new WriteStream(writing)];
  const lines = createInterface({ input, output });
  try {
    const closed = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
    const answer = await Promise.race([lines.question(`${question} [y/N] `), closed]);
    return /^\s*y(?:es)?\s*$/i.test(answer);
  } finally {
    lines.close();
    input.destroy();
    output.destroy();
  }
}

function openTerminal(mode: "r" | "w"): number | undefined {
  try {
    return openSync("/dev/tty", mode);
  } catch {
    return undefined;
  }
}

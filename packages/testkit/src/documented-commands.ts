import { readFile } from "node:fs/promises";

const ROOT = new URL("../../../", import.meta.url);

/**
 * The commands that a document shows after the line `<!-- NAME -->`, so that a test carries out what readers paste.
 *
 * @throws Error if it shows none.
 */
export async function documentedCommands(document: string, name: string): Promise<string> {
  const text = await readFile(new URL(document, ROOT), "utf8");
  const commands = new RegExp(`<!-- ${name} -->\n\`\`\`sh\n([\\s\\S]*?)\`\`\``).exec(text)?.[1];
  if (commands === undefined) throw new Error(`${document} shows no commands after <!-- ${name} -->`);
  return commands;
}

/** Commands that a document shows, and what they print if it shows that right after them. */
export interface DocumentedStep {
  /** The heading above. */
  readonly heading: string;
  readonly commands: string;
  readonly output: string | undefined;
}

/**
 * All commands that a document shows, in their order.
 *
 * @throws Error if it shows code in another way, in which commands would not be found.
 */
export async function documentedSteps(document: string): Promise<readonly DocumentedStep[]> {
  const text = await readFile(new URL(document, ROOT), "utf8");
  const steps: DocumentedStep[] = [];
  for (const section of text.split(/^(?=#+ )/m)) {
    const heading = /^#+ (.*)/.exec(section)?.[1] ?? "";
    const blocks = section.matchAll(/^```sh\n([\s\S]*?)^```\n(?:\n```text\n([\s\S]*?)^```\n)?/gm);
    for (const [, commands = "", output] of blocks) steps.push({ heading, commands, output });
  }
  const unknown = text.replaceAll(/^```(?:sh|text)\n[\s\S]*?^```$/gm, "").match(/^(?:```| {4}\S).*/m);
  if (unknown !== null) throw new Error(`${document}: expected commands in \`\`\`sh, got ${unknown[0]}`);
  return steps;
}

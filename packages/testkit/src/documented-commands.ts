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

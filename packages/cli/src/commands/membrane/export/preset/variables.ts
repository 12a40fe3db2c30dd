import { shellWord } from "../../../../shell.ts";

/** Formats variables of the environment as lines of a shell. */
export function exportLines(variables: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(variables).map(([name, value]) => `export ${name}=${shellWord(value)}`);
}

/** One word of a POSIX shell, whatever is in it. */
export function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** The same with quotes only where they are needed, for a line that a person reads and may copy. */
export function shellWord(text: string): string {
  return /^[\w.@%+:,/-]+$/.test(text) ? text : quoteForShell(text);
}

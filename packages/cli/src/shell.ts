/** One word of a POSIX shell, whatever is in it. */
export function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** The same with quotes only where they are needed, for a line that a person reads and may copy. */
export function shellWord(text: string): string {
  return /^[\w.@%+:,/-]+$/.test(text) ? text : quoteForShell(text);
}

/** Whether a text is safe in a line that a person may copy: without characters that act on a terminal. */
export function isPrintable(text: string): boolean {
  return !/\p{C}/u.test(text);
}

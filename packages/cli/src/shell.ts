/** Quotes a text as one word of a POSIX shell. */
export function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Quotes a text only if it needs quotes, for a line that a person reads and may copy. */
export function shellWord(text: string): string {
  return /^[\w.@%+:,/-]+$/.test(text) ? text : quoteForShell(text);
}

/** Whether a text is safe in a line that a person may copy: it has no characters that control a terminal. */
export function isPrintable(text: string): boolean {
  return !/\p{C}/u.test(text);
}

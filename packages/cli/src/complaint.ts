/**
 * What the parser complains of, in words that do not repeat the person's own: a word in the wrong place may be a
 * capability that somebody pasted there. Only what looks like the name of a command or an option is named.
 */
export function explainComplaint(complaint: string, words: readonly string[]): string {
  const [, option, choices] = /^Invalid values:\s+Argument: ([\w-]+),.*Choices: (.*)$/s.exec(complaint) ?? [];
  if (option !== undefined) return `--${option}: expected one of ${choices?.replaceAll('"', "").trim()}`;
  const unknown = /^Unknown (?:argument|command)s?: (.*)$/s.exec(complaint)?.[1]?.split(", ")[0];
  if (unknown === undefined) return complaint;
  if (isLetter(unknown, words)) return `-${unknown}: no such option`;
  if (words.some((word) => word.startsWith("--") && word.slice(2).replace(/=.*/s, "") === unknown)) {
    const isName = /^[a-zA-Z][a-zA-Z0-9-]{0,39}$/.test(unknown);
    return isName ? `--${unknown}: no such option` : "there is no option of such a name";
  }
  const isCommand = words.slice(0, 2).includes(unknown) && /^[a-z][a-z-]{0,19}$/.test(unknown);
  return isCommand
    ? `${unknown}: no such command`
    : "there is a word too many: values stand behind an option";
}

function isLetter(unknown: string, words: readonly string[]): boolean {
  return /^[a-zA-Z]$/.test(unknown) && words.some((word) => /^-[^-]/.test(word) && word.includes(unknown));
}

// Rules that find a word in text and in identifiers.

/** @typedef {{ readonly pattern: RegExp, readonly use: string }} Rule */

/**
 * Matches a word, its plural and its possessive, in prose and in identifiers: `word`, `Words`, `wordSize`, `readWord`, `MAX_WORD`.
 *
 * @param {string} word
 * @param {string} use
 * @returns {Rule}
 */
export function wordRule(word, use) {
  const capital = word.charAt(0).toUpperCase() + word.slice(1);
  const upper = word.toUpperCase();
  const forms = [
    `(?<![A-Za-z])${word}s?(?![a-z])`,
    `${capital}s?(?![a-z])`,
    `(?<![A-Za-z])${upper}S?(?![A-Za-z])`,
  ];
  return { pattern: new RegExp(forms.join("|"), "g"), use };
}

/**
 * Matches consecutive words in a line.
 *
 * @param {string} phrase source of a regular expression
 * @param {string} use
 * @returns {Rule}
 */
export function phraseRule(phrase, use) {
  return { pattern: new RegExp(`\\b(?:${phrase})\\b`, "gi"), use };
}

/**
 * Matches an identifier, or the beginning of identifiers if it ends with an underscore.
 *
 * @param {string} name
 * @param {string} use
 * @returns {Rule}
 */
export function identifierRule(name, use) {
  return { pattern: new RegExp(name.endsWith("_") ? `\\b${name}` : `\\b${name}\\b`, "g"), use };
}

/**
 * @param {string} text
 * @param {readonly Rule[]} rules
 * @returns {{ line: number, word: string, use: string }[]}
 */
export function findWords(text, rules) {
  return text
    .split("\n")
    .flatMap((content, index) =>
      rules.flatMap(({ pattern, use }) =>
        Array.from(content.matchAll(pattern), ([word]) => ({ line: index + 1, word, use })),
      ),
    );
}

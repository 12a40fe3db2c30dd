import { readFileSync } from "node:fs";
import { prose } from "./files.js";

/** Words that documents do not use, in addition to those in `scripts/words/table.js`, and the words to use instead. */
const WORDS = [
  ["answers?|answered|answering", "response, respond"],
  ["behind (?:it|its|that|them)", "after"],
];

/**
 * Lists the unwanted words in a document.
 *
 * @param {string} root
 * @param {string} document
 * @returns {string[]}
 */
export function unwantedWords(root, document) {
  // Titles of tests, which are quoted in italics, are not checked.
  const text = prose(readFileSync(root + document, "utf8")).replaceAll(/(?<!\*)\*[^*\n]+\*(?!\*)/g, "");
  return text.split("\n").flatMap((line, index) =>
    WORDS.flatMap(([words, better]) =>
      Array.from(line.matchAll(new RegExp(`\\b(?:${words})\\b`, "gi")), ([word]) => {
        return `line ${index + 1}: "${word}": say ${better}`;
      }),
    ),
  );
}

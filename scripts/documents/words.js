import { readFileSync } from "node:fs";
import { prose } from "./files.js";

/** What a document does not say, besides the words of `scripts/words/table.js`, and what it says instead. */
const WORDS = [
  ["answers?|answered|answering", "response, respond"],
  ["of its own|of their own", "separate"],
  ["goes by|go by", "uses"],
  ["(?:is|are|was|were) told", "gets"],
  ["stands?|stood", "is, represents"],
  ["beside", "next to, besides"],
  ["behind (?:it|its|that|them)", "after"],
];

/**
 * Each use of a word that the project has a better one for.
 *
 * @param {string} root
 * @param {string} document
 * @returns {string[]}
 */
export function unwantedWords(root, document) {
  // The titles of tests are quoted in italics, as they are.
  const text = prose(readFileSync(root + document, "utf8")).replaceAll(/(?<!\*)\*[^*\n]+\*(?!\*)/g, "");
  return text.split("\n").flatMap((line, index) =>
    WORDS.flatMap(([words, better]) =>
      Array.from(line.matchAll(new RegExp(`\\b(?:${words})\\b`, "gi")), ([word]) => {
        return `line ${index + 1}: "${word}": say ${better}`;
      }),
    ),
  );
}

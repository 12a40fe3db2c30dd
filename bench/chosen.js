/**
 * Returns the names that hold one of the words, or all names if there are no words.
 *
 * @param {readonly string[]} names
 * @param {readonly string[]} words
 * @returns {readonly string[]}
 * @throws TypeError for a word that no name holds: what was meant would be left out without a word
 */
export function chosenOf(names, words) {
  const unknown = words.find((word) => !names.some((name) => name.includes(word)));
  if (unknown !== undefined)
    throw new TypeError(`"${unknown}" is in no name; these can be measured: ${names.join("; ")}`);
  return words.length === 0 ? names : names.filter((name) => words.some((word) => name.includes(word)));
}

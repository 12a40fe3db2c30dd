import { foldName } from "./option-spec.ts";

/** How many letters may be added, missing or wrong in a name that is taken for a spelling mistake. */
const MAX_MISTAKES = 2;

/** From this many letters on, the beginning of a name is taken for it. */
const MIN_BEGINNING = 4;

/**
 * Returns the name that was probably meant: `path` for `paths`, `max-uses` for `max_uses` or `limit-max-uses`, `expires-in` for
 * `expire`.
 */
export function findSimilarName(wrong: string, names: readonly string[]): string | undefined {
  const dashed = wrong.replaceAll("_", "-");
  const withoutPrefix = dashed.replace(/^limits?-/, "");
  if (withoutPrefix !== dashed && withoutPrefix !== "") return findSimilarName(withoutPrefix, names);
  const folded = foldName(dashed);
  const [best] = names
    .map((name) => ({ name, mistakes: countMistakes(folded, foldName(name)) }))
    .filter(({ name, mistakes }) => mistakes <= MAX_MISTAKES && mistakes < name.length / 2)
    // The opposite was meant.
    .filter(({ name }) => folded !== `no${foldName(name)}`)
    .toSorted((one, other) => one.mistakes - other.mistakes);
  if (best !== undefined || folded.length < MIN_BEGINNING) return best?.name;
  return names.find((name) => foldName(name).startsWith(folded));
}

/** The Levenshtein distance: how many letters must be inserted, removed or replaced. */
function countMistakes(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [at, letter] of Array.from(one).entries()) {
    const next = [at + 1];
    for (const [index, otherLetter] of Array.from(other).entries()) {
      const replaced = (row[index] ?? 0) + (letter === otherLetter ? 0 : 1);
      next.push(Math.min(replaced, (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

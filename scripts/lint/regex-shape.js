// Finds expressions that may take more than linear time for some text, by their shape. An engine that backtracks tries every start
// and every length of a run; three shapes make it repeat these tries:
//
// 1. a repetition within a repetition: `(?:a+)*`;
// 2. a run that begins anywhere and must be followed by something: the time of `[\t ]+$` is the square of a run of blanks;
// 3. two runs that can share characters, before something that can fail: `^\s*\s*x`, `^.*,.*,x`.
//
// The rule is stricter than necessary: it also refuses some linear expressions, which are written as a loop or with a bound.

/** A longer bounded run costs as much as an unbounded one. */
const MAX_RUN_LENGTH = 256;

/** @typedef {{ alternatives: Term[][] }} Group */
/** @typedef {{ source: string, kind: "set" | "group" | "assertion", group?: Group, min: number, max: number }} Term */
/** @typedef {Term & { optional: readonly Term[] }} FlatTerm a term and the optional groups that it is part of */

/**
 * @param {string} pattern source of a regular expression
 * @param {string} [flags]
 * @returns {string | undefined} the problem with its shape
 */
export function superLinearShape(pattern, flags = "") {
  const { alternatives } = parse(pattern);
  for (const terms of alternatives) {
    const problem =
      findNested(terms) ??
      (isAnchored(terms) ? undefined : findFailingRun(terms, false)) ??
      findSharedRuns(flatten(terms), flags);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** @param {Term[]} terms */
function isAnchored([first]) {
  return first?.source === "^";
}

/** @param {Term} term */
function isRun({ max }) {
  return max > MAX_RUN_LENGTH;
}

/** @param {Term} term @returns {boolean} */
function canFail(term) {
  if (term.min === 0) return false;
  if (term.group === undefined) return true;
  return term.group.alternatives.every((terms) => terms.some(canFail));
}

/** @param {Term[]} terms @returns {boolean} */
function holdsRun(terms) {
  return terms.some((term) => isRun(term) || term.group?.alternatives.some(holdsRun) === true);
}

/** @param {Term[]} terms @returns {string | undefined} */
function findNested(terms) {
  for (const term of terms) {
    const alternatives = term.group?.alternatives ?? [];
    if (term.max > 1 && alternatives.some(holdsRun))
      return `a repetition within a repetition: ${term.source}`;
    const inside = alternatives.map(findNested).find((found) => found !== undefined);
    if (inside !== undefined) return inside;
  }
  return undefined;
}

/** @param {Term[]} terms @param {boolean} canFailAfter @returns {string | undefined} */
function findFailingRun(terms, canFailAfter) {
  let failing = canFailAfter;
  for (const term of terms.toReversed()) {
    if (isRun(term) && failing)
      return `a run that begins anywhere, before something that can fail: ${term.source}`;
    for (const inside of term.group?.alternatives ?? []) {
      const found = findFailingRun(inside, failing);
      if (found !== undefined) return found;
    }
    failing ||= canFail(term);
  }
  return undefined;
}

/**
 * Replaces groups that neither repeat nor have alternatives by their terms.
 *
 * @param {Term[]} terms
 * @param {readonly Term[]} [optional]
 * @returns {FlatTerm[]}
 */
function flatten(terms, optional = []) {
  return terms.flatMap((term) => {
    const [only, ...others] = term.group?.alternatives ?? [];
    if (only === undefined || others.length > 0 || term.max > 1)
      return [Object.assign({}, term, { optional })];
    return flatten(only, term.min === 0 ? [...optional, term] : optional);
  });
}

/** @param {FlatTerm[]} terms @param {string} flags */
function findSharedRuns(terms, flags) {
  const runs = terms.filter((term) => isRun(term) && term.kind === "set");
  for (const [index, run] of runs.entries()) {
    for (const later of runs.slice(index + 1)) {
      const followers = terms.slice(terms.indexOf(later) + 1);
      if (!followers.some(canFail) || !shareCharacter(run, later, flags)) continue;
      // The terms between both runs separate them, unless both runs can match them.
      const taken = new Set([...run.optional, ...later.optional]);
      const separators = terms
        .slice(terms.indexOf(run) + 1, terms.indexOf(later))
        .filter((term) => term.kind === "set" && term.min > 0)
        .filter((term) => term.optional.every((group) => taken.has(group)));
      const isShared = separators.every(
        (separator) => shareCharacter(run, separator, flags) && shareCharacter(later, separator, flags),
      );
      if (isShared) return `two runs that can share characters: ${run.source} and ${later.source}`;
    }
  }
  return undefined;
}

const SAMPLES = [
  ...Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)),
  "\u0130",
  "\u2028",
  "\uD800",
  "\uFEFF",
  "\u{1F600}",
];

/** @param {Term} one @param {Term} other @param {string} flags */
function shareCharacter(one, other, flags) {
  const kept = flags.replaceAll(/[gy]/g, "");
  const [a, b] = [one, other].map(({ source }) => new RegExp(`^(?:${source})$`, kept));
  return SAMPLES.some((sample) => a?.test(sample) && b?.test(sample));
}

/** @param {string} pattern @returns {Group} */
function parse(pattern) {
  let at = 0;

  /** @returns {Group} */
  function readGroup() {
    /** @type {Term[][]} */
    const alternatives = [[]];
    while (at < pattern.length && pattern[at] !== ")") {
      if (pattern[at] === "|") {
        at += 1;
        alternatives.push([]);
      } else alternatives.at(-1)?.push(readTerm());
    }
    return { alternatives };
  }

  /** @returns {Term} */
  function readTerm() {
    const start = at;
    const atom = readAtom();
    const source = pattern.slice(start, at);
    return { ...atom, source, ...readRepetition() };
  }

  /** @returns {Pick<Term, "kind" | "group">} */
  function readAtom() {
    const [opened = ""] = /^\((?:\?(?:[:=!]|<[=!]|<\w{1,64}>))?/.exec(pattern.slice(at)) ?? [];
    if (opened !== "") {
      at += opened.length;
      const group = readGroup();
      at += 1;
      return /[=!]$/.test(opened) ? { kind: "assertion", group } : { kind: "group", group };
    }
    const [character = "", next = ""] = pattern.slice(at);
    if (character === "^" || character === "$") {
      at += 1;
      return { kind: "assertion" };
    }
    if (character === "\\") {
      at += escapeLength(pattern, at);
      return { kind: next === "b" || next === "B" ? "assertion" : "set" };
    }
    if (character === "[") {
      at += 1;
      while (pattern[at] !== "]") at += pattern[at] === "\\" ? 2 : 1;
    }
    at += 1;
    return { kind: "set" };
  }

  /** @returns {Pick<Term, "min" | "max">} */
  function readRepetition() {
    const [text = "", braces, low, comma, high] =
      /^(?:[*+?]|(\{)(\d{1,9})(,)?(\d{0,9})\})\??/.exec(pattern.slice(at)) ?? [];
    at += text.length;
    if (braces !== undefined) {
      const max = comma === undefined ? Number(low) : high === "" ? Infinity : Number(high);
      return { min: Number(low), max };
    }
    const [sign] = text;
    if (sign === undefined) return { min: 1, max: 1 };
    return { min: sign === "+" ? 1 : 0, max: sign === "?" ? 1 : Infinity };
  }

  return readGroup();
}

/** @param {string} pattern @param {number} at */
function escapeLength(pattern, at) {
  const [escape = "\\x"] =
    /^\\(?:[pP]\{[^}]{1,64}\}|u\{[^}]{1,8}\}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|c[A-Za-z]|k<\w{1,64}>|.)/s.exec(
      pattern.slice(at),
    ) ?? [];
  return escape.length;
}

// The report on an attack, and whether the goal was met.
/** @typedef {{ before: number, during: number, after: number }} P99 in milliseconds; `during` is NaN if requests failed */

/** During an attack the other tenant's p99 may be at most this many times as high. */
const GOAL = 3;
/** If the quiet stretches differ by more than this ratio, a p99 over the goal is not significant. */
const NOISE = 1.5;
/** The least p99 to compare with, in milliseconds: the load generator counts whole milliseconds. */
const MIN_MS = 1;
const MB = 1e6;

/**
 * @typedef {object} Findings
 * @property {P99} p99
 * @property {import("./client.js").Counts} counts
 * @property {Readonly<Record<string, number>>} shows
 * @property {string | undefined} death how the service ended, if it did
 * @property {string | undefined} deaf the response to a revoke after the attack, if it was not a 202
 */

/** @param {P99} p99 */
function ratioOf({ before, during, after }) {
  return during / Math.max(MIN_MS, (before + after) / 2);
}

/**
 * @param {Findings} findings
 * @returns {{ verdict: string, isMissed: boolean }}
 */
export function evaluate({ p99, counts, shows, death, deaf }) {
  const missed = (/** @type {string} */ verdict) => ({ verdict, isMissed: true });
  const met = (/** @type {string} */ verdict) => ({ verdict, isMissed: false });
  if (death !== undefined) return missed(`service died: ${death}`);
  if (deaf !== undefined) return missed(`no revoke afterwards: ${deaf}`);
  if (Number.isNaN(p99.during)) return missed("others failed");
  const lacking = Object.entries(shows).filter(([what, least]) => amountOf(counts, what) < least);
  if (lacking.length > 0) return missed(`no attack: too few of ${lacking.map(([what]) => what).join(", ")}`);
  if (ratioOf(p99) <= GOAL) return met("held");
  const [low = 0, high = 0] = [p99.before, p99.after].toSorted((a, b) => a - b);
  return high > NOISE * Math.max(MIN_MS, low) ? met("too noisy to say") : missed(`over ${GOAL}`);
}

/**
 * @param {import("./client.js").Counts} counts
 * @param {string} what a status alone matches any code, since a response can be cut off before its body
 */
function amountOf({ outcomes, open, requests, sentBytes }, what) {
  const amount = { open, requests, sentMB: sentBytes / MB }[what];
  if (amount !== undefined) return amount;
  const matching = Object.entries(outcomes).filter(
    ([outcome]) => outcome === what || outcome.startsWith(`${what} `),
  );
  return matching.reduce((sum, [, count]) => sum + count, 0);
}

/** @typedef {ReturnType<typeof rowOf>} Row */

/**
 * @param {string} attack
 * @param {Findings & { memoryMiB: number }} findings
 */
export function rowOf(attack, findings) {
  const { before, during, after } = findings.p99;
  return {
    attack,
    achieved: achieved(findings.counts),
    "p99 attacked, ms": Math.round(during),
    "p99 quiet, ms": `${Math.round(before)}, ${Math.round(after)}`,
    ratio: ratioOf(findings.p99).toFixed(2),
    "memory, MB": Math.round(findings.memoryMiB),
    verdict: evaluate(findings).verdict,
  };
}

/** Describes what an attack did. @param {import("./client.js").Counts} counts */
function achieved({ requests, sentBytes, open, outcomes }) {
  const came = Object.entries(outcomes)
    .toSorted(([, a], [, b]) => b - a)
    .map(([outcome, count]) => `${outcome}: ${count}`);
  const held = open > 0 ? [`${open} connections open`] : [];
  return [`${requests} requests`, `${(sentBytes / MB).toFixed(1)} MB sent`, ...held, ...came].join(", ");
}

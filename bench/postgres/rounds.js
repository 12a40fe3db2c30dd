/** @typedef {import("./figure.js").Figure} Figure */

/**
 * Measures both sides in turn, after a stretch of each that does not count.
 *
 * @template S, T
 * @param {{ lmdb: S, postgres: S }} sides
 * @param {number} rounds
 * @param {(side: S, seconds: number) => Promise<T>} measure
 * @param {number} seconds
 */
export async function inTurn(sides, rounds, measure, seconds) {
  await measure(sides.lmdb, seconds);
  await measure(sides.postgres, seconds);
  /** @type {{ lmdb: T[], postgres: T[] }} */
  const measured = { lmdb: [], postgres: [] };
  for (let round = 0; round < rounds; round += 1) {
    measured.lmdb.push(await measure(sides.lmdb, seconds));
    measured.postgres.push(await measure(sides.postgres, seconds));
  }
  return measured;
}

/**
 * @template T
 * @param {string} what
 * @param {string} unit
 * @param {{ lmdb: readonly T[], postgres: readonly T[] }} rounds
 * @param {(round: T) => number} of
 * @returns {Figure}
 */
export function figureOf(what, unit, { lmdb, postgres }, of) {
  return { what, unit, lmdb: lmdb.map(of), postgres: postgres.map(of) };
}

/**
 * @param {string} what
 * @param {{ lmdb?: readonly { failed: number }[], postgres: readonly { failed: number }[] }} rounds
 * @returns {Figure[]} nothing if no call failed
 */
export function failuresOf(what, { lmdb = [], postgres }) {
  if ([...lmdb, ...postgres].every(({ failed }) => failed === 0)) return [];
  const failed = (/** @type {{ failed: number }} */ round) => round.failed;
  const ofLmdb = lmdb.length === 0 ? {} : { lmdb: lmdb.map(failed) };
  return [{ what: `${what}: refused`, unit: "calls", ...ofLmdb, postgres: postgres.map(failed) }];
}

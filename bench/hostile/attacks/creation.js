// Capabilities that an attacker makes: many before the attack, and more during it.
/** How many are made at once before an attack. */
const BATCH = 10;
/** More than the cache of resolutions has room for, if their configurations are as long as allowed. */
const PREPARED = 600;
/** Once an attack has made this many, it only uses them. */
const MAX_CREATED = 4_000;
/** Time between two requests of one connection, in milliseconds. */
const PAUSE_MS = { make: 2, use: 20 };

/** @typedef {(uri: string, i: number) => object} TargetOf the targets differ from each other */

/**
 * @param {import("../scenario.js").Scenario} scenario
 * @param {TargetOf} targetOf
 * @returns {Promise<import("../attacks.js").Given>} the `export` first, then the exported capabilities
 */
export async function prepareMany({ own, targets }, targetOf) {
  const made = await manyOf(PREPARED, (i) => own.exported(targetOf(targets.plain, i)));
  return { tokens: [own.export, ...made], uri: targets.plain };
}

/**
 * Exports one target after another and meanwhile uses all of them in turn. Each use opens the record, since others have evicted its
 * resolution.
 *
 * @param {import("../client.js").Client} client
 * @param {import("../attacks.js").Given} given
 * @param {TargetOf} targetOf
 */
export function createAndUse(client, { tokens: [exporting, ...made], uri = "" }, targetOf) {
  let count = 0;
  let next = 0;
  const make = async () => {
    if (count >= MAX_CREATED) return;
    const body = JSON.stringify(targetOf(uri, PREPARED + (count += 1)));
    const { status, text } = await client.call(exporting, { method: "POST", body });
    if (status === 201) made.push(tokenIn(text));
  };
  const use = () => client.call(made[(next += 1) % made.length]);
  client.all(8, make, PAUSE_MS.make);
  client.all(4, use, PAUSE_MS.use);
}

/** @param {string} response to an export */
export function tokenIn(response) {
  /** @type {{ capability: string }} */
  const { capability } = JSON.parse(response);
  return capability.slice(capability.indexOf("#") + 1);
}

/**
 * @template T
 * @param {number} count
 * @param {(i: number) => Promise<T>} make
 * @returns {Promise<T[]>}
 */
export async function manyOf(count, make) {
  /** @type {T[]} */
  const made = [];
  while (made.length < count) {
    const size = Math.min(BATCH, count - made.length);
    made.push(...(await Promise.all(Array.from({ length: size }, (_, i) => make(made.length + i)))));
  }
  return made;
}

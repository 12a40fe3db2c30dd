import { serve } from "../gateways/membrane.js";
import { endProgram } from "../gateways/start.js";

/** @typedef {Awaited<ReturnType<typeof serve>>} Node */

/**
 * Starts more nodes of one store, and ends them after `use`.
 *
 * @template T
 * @param {{ store: import("../gateways/membrane.js").BenchStore }} side
 * @param {number} count
 * @param {(nodes: readonly Node[]) => Promise<T>} use
 */
export async function withNodes({ store }, count, use) {
  /** @type {Node[]} */
  const nodes = [];
  try {
    // One after the other: two processors would let ten that start together wait for each other.
    while (nodes.length < count) nodes.push(await serve(store, { name: `node ${nodes.length + 2}` }));
    return await use(nodes);
  } finally {
    await Promise.all(nodes.map(endProgram));
  }
}

/** @param {number} count */
export function nameOf(count) {
  return `${count} node${count === 1 ? "" : "s"}`;
}

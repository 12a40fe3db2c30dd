/** Roughly what a verdict takes: itself with its place in the cache and its accounts, and each node of its lineage in the index. */
const OVERHEAD_BYTES = 2_304;
const NODE_BYTES = 192;

/** A configuration is parsed and prepared: in headers of a few characters a byte of it takes up to seven. */
const COPIES = 8;

/**
 * About how much memory a verdict holds, in bytes.
 *
 * @param configuration length of what the target was exported with, in bytes.
 */
export function verdictBytes(nodes: number, configuration: number): number {
  return OVERHEAD_BYTES + nodes * NODE_BYTES + configuration * COPIES;
}

/** Memory of a resolution, with its entry in the cache and its accounts, and of each node of its lineage in the index. */
const OVERHEAD_BYTES = 2_304;
const NODE_BYTES = 192;

/** A configuration is parsed and prepared: in short headers, each byte of it takes up to seven. */
const BYTES_PER_CONFIGURATION_BYTE = 8;

/**
 * Estimates how much memory a resolution takes, in bytes.
 *
 * @param configuration length of the exported target's configuration, in bytes.
 */
export function resolutionSize(nodes: number, configuration: number): number {
  return OVERHEAD_BYTES + nodes * NODE_BYTES + configuration * BYTES_PER_CONFIGURATION_BYTE;
}

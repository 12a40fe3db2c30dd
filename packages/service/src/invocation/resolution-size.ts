/** Memory of a resolution, with its entry in the cache and its accounts, and of each node of its lineage in the index. */
const OVERHEAD_BYTES = 2_304;
const NODE_BYTES = 192;

/** A configuration is parsed and prepared: in short headers, each byte of it takes up to seven. */
const BYTES_PER_CONFIGURATION_BYTE = 8;

/** Limits are kept as they were stored and as they are checked. Addresses take most, up to 32 bytes for each byte. */
const BYTES_PER_LIMITS_BYTE = 40;

/** What a resolution is made of. */
export interface ResolutionParts {
  readonly nodes: number;
  /** Length of the exported target's configuration, in bytes. */
  readonly configurationBytes: number;
  /** Length of the payload with which the limits are sealed, in bytes. */
  readonly limitBytes: number;
}

/** Estimates how much memory a resolution takes, in bytes. */
export function resolutionSize({ nodes, configurationBytes, limitBytes }: ResolutionParts): number {
  return (
    OVERHEAD_BYTES +
    nodes * NODE_BYTES +
    configurationBytes * BYTES_PER_CONFIGURATION_BYTE +
    limitBytes * BYTES_PER_LIMITS_BYTE
  );
}

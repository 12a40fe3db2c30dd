import fc from "fast-check";
import type { Cluster } from "./cluster.ts";
import type { ClusterNode } from "./cluster-node.ts";
import type { Life } from "./lives.ts";
import type { Recorder } from "./recorder.ts";

/** Longer than any part of a round takes on a busy machine, in milliseconds. */
export const MAX_PART_MS = 60_000;

/** What a fault can do, while clients load the nodes. */
export interface FaultContext {
  readonly cluster: Cluster;
  readonly recorder: Recorder;
  /** Makes a membrane and a capability that every node has let through. */
  prepare(): Promise<Life>;
  /**
   * Revokes it until that is acknowledged, and asks every node whether it lets anything through.
   *
   * @returns the milliseconds from the first request to the acknowledgement.
   */
  revoke(life: Life, node: ClusterNode): Promise<number>;
  /** Resolves when every node lets a capability through that is alive. */
  recovered(): Promise<void>;
  /** Keeps a figure for the report. */
  measured(name: string, value: number): void;
}

/** Something that may happen to nodes and their store. What `run` does to them it undoes. */
export interface Fault {
  readonly name: string;
  /** Draws the fault's parameters with a seed, and does it. */
  readonly run: (context: FaultContext, seed: number) => Promise<void>;
}

export function fault<T>(
  name: string,
  parameters: fc.Arbitrary<T>,
  run: (context: FaultContext, drawn: T) => Promise<void>,
): Fault {
  return {
    name,
    async run(context, seed) {
      const [drawn] = fc.sample(parameters, { seed, numRuns: 1 });
      await run(context, drawn!);
    },
  };
}

export function nodeOf({ cluster: { nodes } }: FaultContext, drawn: number): ClusterNode {
  return nodes[drawn % nodes.length]!;
}

export function milliseconds(min: number, max: number): fc.Arbitrary<number> {
  return fc.integer({ min, max });
}

import { performance } from "node:perf_hooks";
import type { History, Interval, NodeInterval, Operation, StreamRecord } from "./history.ts";

/** A stream that is being recorded. */
export interface OpenStream {
  /** Called with when a piece was sent, once it has arrived. */
  passed(sent: number): void;
  ended(): void;
  readonly isOpen: boolean;
  readonly through: readonly string[];
}

/** Writes a history down while it happens. */
export interface Recorder {
  record(operation: Operation): void;
  openStream(stream: Pick<StreamRecord, "node" | "through" | "direction">): OpenStream;
  readonly openStreams: ReadonlySet<OpenStream>;
  /** Records for how long `run` takes, and that the store is out of a node's reach as long. */
  outage<T>(node: NodeInterval["node"], run: () => Promise<T>): Promise<T>;
  /** Records for how long `run` takes, and that a node may leave its clients without responses as long. */
  interruption<T>(node: NodeInterval["node"], run: () => Promise<T>): Promise<T>;
  /** Records for how long `run` takes, and that the store then loses what was written meanwhile. */
  loss<T>(run: () => Promise<T>): Promise<T>;
  /** Whether a revoke of one of these membranes was acknowledged. */
  isRevoked(through: readonly string[]): boolean;
  history(nodes: readonly number[]): History;
}

export function createRecorder(): Recorder {
  const operations: Operation[] = [];
  const streams: (() => StreamRecord)[] = [];
  const openStreams = new Set<OpenStream>();
  const revoked = new Set<string>();
  const outages: NodeInterval[] = [];
  const interruptions: NodeInterval[] = [];
  const lost: Interval[] = [];

  const during = async <T>(run: () => Promise<T>, add: (interval: Interval) => void): Promise<T> => {
    const began = performance.now();
    try {
      return await run();
    } finally {
      add({ began, ended: performance.now() });
    }
  };
  return {
    record(operation) {
      operations.push(operation);
      if (operation.kind === "revoke" && operation.outcome === "done") revoked.add(operation.resource);
    },
    openStream(start) {
      const began = performance.now();
      const passed: number[] = [];
      let ended: number | undefined;
      const stream: OpenStream = {
        passed: (sent) => void passed.push(sent),
        ended() {
          ended ??= performance.now();
          openStreams.delete(stream);
        },
        get isOpen() {
          return ended === undefined;
        },
        through: start.through,
      };
      openStreams.add(stream);
      streams.push(() => ({ ...start, began, passed, ...(ended === undefined ? {} : { ended }) }));
      return stream;
    },
    openStreams,
    outage: (node, run) => during(run, (interval) => outages.push({ ...interval, node })),
    interruption: (node, run) => during(run, (interval) => interruptions.push({ ...interval, node })),
    loss: (run) => during(run, (interval) => lost.push(interval)),
    isRevoked: (through) => through.some((membrane) => revoked.has(membrane)),
    history: (nodes) => ({
      nodes,
      operations,
      streams: streams.map((read) => read()),
      outages,
      interruptions,
      lost,
    }),
  };
}

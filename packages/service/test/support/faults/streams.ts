import { performance } from "node:perf_hooks";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Agent } from "undici";
import { request } from "undici";
import type { ServingNode } from "./cluster-node.ts";
import type { Recorder } from "./recorder.ts";
import type { StubTarget } from "./stub-target.ts";
import { createLineReader, PIECE_INTERVAL_MS } from "./stub-target.ts";

export interface StreamOptions {
  readonly direction: "request" | "response";
  readonly node: ServingNode;
  readonly token: string;
  readonly through: readonly string[];
  /** The same for no other stream. */
  readonly name: string;
}

/** Opens streams that are recorded, and end only when the service or `close` ends them. */
export interface Streams extends AsyncDisposable {
  open(options: StreamOptions): void;
}

export function createStreams(recorder: Recorder, target: StubTarget, dispatcher: Agent): Streams {
  const running = new Map<AbortController, Promise<void>>();
  return {
    open({ direction, node, token, through, name }) {
      const stream = recorder.openStream({ direction, node: node.number, through });
      const stop = new AbortController();
      const options = {
        dispatcher,
        signal: stop.signal,
        headers: { authorization: `Bearer ${token}` },
      };
      const receive = async (): Promise<void> => {
        const { body } = await request(node.service.url, { ...options, method: "PUT" });
        const readLines = createLineReader((line) => stream.passed(Number(line)));
        for await (const chunk of body) readLines(chunk as Buffer);
      };
      const send = async (): Promise<void> => {
        target.follow(name, stream.passed);
        const body = Readable.from(pieces(name, () => stream.isOpen));
        const response = await request(node.service.url, { ...options, method: "POST", body });
        await response.body.dump();
      };
      const run = direction === "response" ? receive() : send();
      // However it ends: the service refused it or cut it, or the process was killed.
      const ended = run.catch(() => undefined).finally(() => stream.ended());
      running.set(stop, ended);
      void ended.then(() => running.delete(stop));
    },
    async [Symbol.asyncDispose]() {
      const rest = [...running];
      for (const [stop] of rest) stop.abort();
      await Promise.all(rest.map(([, ended]) => ended));
    },
  };
}

async function* pieces(name: string, isOpen: () => boolean): AsyncIterable<string> {
  yield `${name}\n`;
  while (isOpen()) {
    yield `${performance.now()}\n`;
    await sleep(PIECE_INTERVAL_MS);
  }
}

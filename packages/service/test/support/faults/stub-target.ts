import type { IncomingMessage, ServerResponse } from "node:http";
import { performance } from "node:perf_hooks";
import { startStreamingTarget } from "../../../../testkit/src/target.ts";

/** From one piece of a stream to the next, in milliseconds. */
export const PIECE_INTERVAL_MS = 40;

/**
 * A target that responds to GET at once, and to PUT with pieces without end. Each piece is a line that says when it was sent. In
 * a POST it reads such pieces, after a line with the name of the upload.
 */
export interface StubTarget extends AsyncDisposable {
  readonly url: string;
  /** How often each path was asked for with GET. */
  readonly received: ReadonlyMap<string, number>;
  /** Calls `arrived` with when a piece was sent, for each that arrives in an upload of this name. */
  follow(name: string, arrived: (sent: number) => void): void;
}

export async function startStubTarget(): Promise<StubTarget> {
  const received = new Map<string, number>();
  const readers = new Map<string, (sent: number) => void>();
  const target = await startStreamingTarget((request, response) => {
    if (request.method === "PUT") return sendPieces(response);
    if (request.method === "POST") return receivePieces(request, readers);
    const path = request.url ?? "";
    received.set(path, (received.get(path) ?? 0) + 1);
    response.end("ok");
  });
  return {
    url: target.url,
    received,
    follow: (name, arrived) => void readers.set(name, arrived),
    [Symbol.asyncDispose]: () => target[Symbol.asyncDispose](),
  };
}

function sendPieces(response: ServerResponse): void {
  const send = (): void => void response.write(`${performance.now()}\n`);
  send();
  const timer = setInterval(send, PIECE_INTERVAL_MS);
  response.on("close", () => clearInterval(timer));
}

function receivePieces(request: IncomingMessage, readers: ReadonlyMap<string, (sent: number) => void>): void {
  let name: string | undefined;
  const line = createLineReader((text) => {
    if (name === undefined) name = text;
    else readers.get(name)?.(Number(text));
  });
  request.on("data", line);
  request.on("error", () => undefined);
}

/** Calls `onLine` with each whole line of a stream of ASCII. */
export function createLineReader(onLine: (line: string) => void): (chunk: Buffer) => void {
  let rest = "";
  return (chunk) => {
    const lines = (rest + chunk.toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(onLine);
  };
}

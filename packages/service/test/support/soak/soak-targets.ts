import type { IncomingMessage, ServerResponse } from "node:http";
import { startStreamingTarget } from "../../../../testkit/src/target.ts";
import { startWebSocketTarget } from "../../../../testkit/src/websocket.ts";

export interface SoakTargets extends AsyncDisposable {
  /** `/`: at once. `/pieces`: as many pieces as the query says, or without end. `/large`: four megabytes. It reads each body. */
  readonly http: string;
  /** Sends each message back. */
  readonly webSocket: string;
}

const PIECE = Buffer.alloc(4_096, "p");
const PIECE_INTERVAL_MS = 20;
const LARGE_PIECES = 1_024;

export async function startSoakTargets(): Promise<SoakTargets> {
  const http = await startStreamingTarget(respond);
  const webSocket = await startWebSocketTarget();
  return {
    http: http.url,
    webSocket: webSocket.url,
    async [Symbol.asyncDispose]() {
      await webSocket[Symbol.asyncDispose]();
      await http[Symbol.asyncDispose]();
    },
  };
}

function respond(request: IncomingMessage, response: ServerResponse): void {
  request.on("error", () => undefined);
  const url = new URL(request.url ?? "/", "http://target.test");
  if (url.pathname === "/pieces")
    return sendPieces(response, Number(url.searchParams.get("count") ?? Infinity));
  if (url.pathname === "/large") return sendLarge(response);
  request.resume().on("end", () => void response.end("ok"));
}

function sendPieces(response: ServerResponse, count: number): void {
  let sent = 0;
  const timer = setInterval(() => {
    if (sent >= count) return void response.end();
    sent += 1;
    response.write(PIECE);
  }, PIECE_INTERVAL_MS);
  response.on("close", () => clearInterval(timer));
}

function sendLarge(response: ServerResponse): void {
  let left = LARGE_PIECES;
  const send = (): void => {
    while (left > 0) {
      left -= 1;
      if (!response.write(PIECE)) return void response.once("drain", send);
    }
    response.end();
  };
  send();
}

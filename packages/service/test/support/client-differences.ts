import type { AddressInfo, Server, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { once } from "node:events";
import { deferred } from "../../../testkit/src/deferred.ts";
import { targetOrigin } from "../../../testkit/src/target-origin.ts";
import type { ConnectionOwner, CreateConnection } from "../../src/egress/pooled-connection.ts";
import { guardWriteErrors } from "../../src/egress/write-error-guard.ts";
import { errorCode } from "../../src/error-code.ts";
import type { RequestMessage, UpstreamHandler } from "../../src/http1/upstream.ts";

/** What the handler of one request learned, apart from how its body was cut into pieces. */
export interface Told {
  readonly isResponseStarted: boolean;
  readonly informational: number;
  readonly status: number | undefined;
  readonly reason: string | undefined;
  /** Values without the blanks after them, which undici leaves. */
  readonly headers: readonly string[] | undefined;
  readonly body: string;
  readonly end: "end" | "timeout" | "incomplete" | "switched";
  /** Of the error, if it ended with one. */
  readonly code: string | undefined;
}

/** A target on raw connections. */
export interface Loopback extends AsyncDisposable {
  readonly port: number;
}

export async function startLoopback(onConnection: (socket: Socket) => void): Promise<Loopback> {
  const open = new Set<Socket>();
  const server: Server = createServer((socket) => {
    open.add(socket.on("error", () => undefined).on("close", () => open.delete(socket)));
    onConnection(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      open.forEach((socket) => socket.destroy());
      server.close();
      await once(server, "close");
    },
  };
}

export const MAX_HEADER_BYTES = 16_384;

const NO_OWNER: ConnectionOwner = { onFree: () => undefined, onClosed: () => undefined };

/** How a test uses a client. */
export interface Asking {
  readonly request: RequestMessage;
  readonly headers?: readonly string[];
  /** The handler has no room after each piece, until a later turn. */
  readonly isSlow?: boolean;
}

/** Sends one request on a new connection to a port of loopback. @returns what its handler learned. */
export async function ask(createConnection: CreateConnection, port: number, asking: Asking): Promise<Told> {
  const socket = guardWriteErrors(connect(port, "127.0.0.1"));
  socket.on("error", () => undefined);
  await once(socket, "connect");
  const options = { origin: targetOrigin("127.0.0.1", port), maxHeaderBytes: MAX_HEADER_BYTES };
  const connection = createConnection(socket, options, NO_OWNER);
  const { handler, told } = recordingHandler(asking.isSlow ?? false);
  connection.send(asking.request, [...(asking.headers ?? [])], handler);
  const result = await told;
  await connection.destroy();
  socket.destroy();
  return result;
}

function recordingHandler(isSlow: boolean): { handler: UpstreamHandler; told: Promise<Told> } {
  const { promise, resolve } = deferred<Told>();
  const chunks: Buffer[] = [];
  let informational = 0;
  let isResponseStarted = false;
  let head: Pick<Told, "status" | "reason" | "headers"> = {
    status: undefined,
    reason: undefined,
    headers: undefined,
  };
  let resume: () => void = () => undefined;
  const finish = (end: Told["end"], error?: Error): void =>
    resolve({
      ...head,
      isResponseStarted,
      informational,
      body: Buffer.concat(chunks).toString("latin1"),
      end,
      code: errorCode(error),
    });
  const isFlowing = (): boolean => {
    if (isSlow) setImmediate(resume);
    return !isSlow;
  };
  const handler: UpstreamHandler = {
    onBegin: () => true,
    onResponseStarted: () => (isResponseStarted = true),
    onRead: () => undefined,
    onInformational: () => (informational += 1),
    onHead(status, reason, headers, go) {
      resume = go;
      head = { status, reason, headers: headers.map((part) => part.replace(/[\t ]+$/, "")) };
      return isFlowing();
    },
    onData(chunk) {
      chunks.push(Buffer.from(chunk));
      return isFlowing();
    },
    onEnd: () => finish("end"),
    onError: (error, failure) => finish(failure, error),
    onUpgrade(headers, stream) {
      head = { status: 101, reason: undefined, headers };
      stream.on("data", (chunk) => chunks.push(chunk));
      stream.on("error", () => undefined);
      stream.on("close", () => finish("switched"));
      stream.resume();
    },
  };
  return { handler, told: promise };
}

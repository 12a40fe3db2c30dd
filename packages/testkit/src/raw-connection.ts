import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** A raw connection, for requests that no HTTP client sends, and for tests of every byte of a response. */
export interface RawConnection extends AsyncDisposable {
  readonly socket: Socket;
  /** Sends bytes; of a text, one byte for each character. */
  send(bytes: string | Buffer): void;
  /** Everything received so far, one character a byte. */
  received(): string;
  /** Waits until enough was received; rejects when the connection ends before. */
  until(isEnough: (received: string) => boolean): Promise<string>;
  /** How the other side ended the connection: in order (FIN), or with a reset (RST). */
  readonly closed: Promise<"ended" | "reset">;
}

/** @param ca the CA of the server's certificate; without it the connection is plain TCP. */
export async function openRawConnection(port: number, ca?: string): Promise<RawConnection> {
  const at = { port, host: "127.0.0.1", allowHalfOpen: true };
  const socket = ca === undefined ? connect(at) : connectTls({ ...at, ca });
  socket.setNoDelay(true);
  const chunks: Buffer[] = [];
  const waiting = new Set<() => void>();
  let end: "ended" | "reset" | undefined;
  const closed = new Promise<"ended" | "reset">((resolve) => {
    const finish = (how: "ended" | "reset") => (): void => {
      end ??= how;
      resolve(end);
      waiting.forEach((check) => check());
    };
    socket.on("end", () => {
      if (!socket.writable) return finish("ended")();
      // Libuv reports a reset that arrives together with data as an end in order; a write finds it at once.
      socket.end("\r\n", (error?: Error | null) => finish(error instanceof Error ? "reset" : "ended")());
    });
    socket.on("error", finish("reset"));
    socket.on("close", finish("ended"));
  });
  socket.on("data", (chunk) => {
    chunks.push(chunk);
    waiting.forEach((check) => check());
  });
  await once(socket, ca === undefined ? "connect" : "secureConnect");
  const received = (): string => Buffer.concat(chunks).toString("latin1");
  return {
    socket,
    closed,
    received,
    send: (bytes) => void socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes),
    until: (isEnough) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const text = received();
          if (isEnough(text)) resolve(text);
          else if (end === undefined) return;
          else reject(new Error(`the connection ${end} after: ${text.slice(0, 2_000)}`));
          waiting.delete(check);
        };
        waiting.add(check);
        check();
      }),
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await closed;
    },
  };
}

/** One response as received. */
export interface RawResponse {
  readonly status: number;
  /** Lower-case name → all values, in their order. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: string;
  /** The bytes after the response. */
  readonly rest: string;
}

/** Parses the first response in the received bytes, if it is complete. */
export function readRawResponse(received: string, method = "GET"): RawResponse | undefined {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd === -1) return undefined;
  const [statusLine = "", ...lines] = received.slice(0, headEnd).split("\r\n");
  const status = Number(statusLine.split(" ")[1]);
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const name = line.slice(0, line.indexOf(":")).toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), line.slice(line.indexOf(":") + 1).trim()]);
  }
  const after = received.slice(headEnd + 4);
  if (method === "HEAD" || status === 204 || status === 304 || status < 200) {
    return { status, headers, body: "", rest: after };
  }
  if (headers.has("transfer-encoding")) {
    const chunked = readChunks(after);
    return chunked === undefined ? undefined : { status, headers, ...chunked };
  }
  const length = Number(headers.get("content-length")?.[0] ?? Number.NaN);
  if (!(after.length >= length)) return undefined;
  return { status, headers, body: after.slice(0, length), rest: after.slice(length) };
}

function readChunks(text: string): Pick<RawResponse, "body" | "rest"> | undefined {
  let body = "";
  let at = 0;
  for (;;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    const next = lineEnd + 2 + size + 2;
    if (text.length < next) return undefined;
    if (size === 0) return { body, rest: text.slice(next) };
    body += text.slice(lineEnd + 2, next - 2);
    at = next;
  }
}

/** Waits for the next complete response after the first `from` characters. */
export async function nextResponse(
  connection: Pick<RawConnection, "until">,
  options: { readonly method?: string; readonly from?: number } = {},
): Promise<RawResponse> {
  const { method = "GET", from = 0 } = options;
  const read = (received: string): RawResponse | undefined => readRawResponse(received.slice(from), method);
  return read(await connection.until((received) => read(received) !== undefined))!;
}

/**
 * Opens connections that the service has accepted and read, so that it receives the next requests on them all at once.
 *
 * @returns each with the number of characters that came before those requests, for {@link nextResponse}.
 */
export async function openUsedConnections(
  port: number,
  count: number,
): Promise<readonly { readonly connection: RawConnection; readonly from: number }[]> {
  const connections = await Promise.all(Array.from({ length: count }, () => openRawConnection(port)));
  return Promise.all(
    connections.map(async (connection) => {
      connection.send(requestHead(undefined, { line: "GET /healthz HTTP/1.1" }));
      await nextResponse(connection);
      return { connection, from: connection.received().length };
    }),
  );
}

/** Joins a start line and header lines, with the empty line at the end. */
export function messageHead(...lines: readonly string[]): string {
  return [...lines, "", ""].join("\r\n");
}

/** Makes the head of a request, with the empty line at the end. */
export function requestHead(
  token: string | undefined,
  options: { readonly line?: string; readonly headers?: readonly string[] } = {},
): string {
  const authorization = token === undefined ? [] : [`Authorization: Bearer ${token}`];
  const lines = [options.line ?? "GET / HTTP/1.1", "Host: membrane.test", ...authorization];
  return messageHead(...lines, ...(options.headers ?? []));
}

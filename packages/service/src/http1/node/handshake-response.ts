import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { ByteStream } from "../byte-stream.ts";
import { joinSmallReads } from "../shared/joined-reads.ts";
import { linger } from "../shared/linger.ts";
import { NodeResponse } from "./response.ts";

/**
 * The response to a handshake for another protocol, on a connection that Node's server has given up. It is a 101, after which the
 * connection is handed over, or any other response, after which the connection is closed: what the client has sent after its
 * handshake is not HTTP.
 */
export class HandshakeResponse extends NodeResponse {
  readonly #connection: Socket;
  #isSwitched = false;
  readonly #onDrain = (): void => void this.emit("drain");

  /** @param head what came after the handshake in the same read. */
  constructor(request: IncomingMessage, connection: Socket, head: Buffer) {
    super(request);
    this.#connection = connection;
    this.shouldKeepAlive = false;
    // Node's server has removed its listeners. A write to a client that has just disconnected fails; `close` reports it.
    connection.on("error", () => undefined);
    joinSmallReads(connection);
    this.#destroyAtEnd();
    if (head.length > 0) connection.unshift(head);
    this.assignSocket(connection);
    // Node resets its own flag in the listener that its server has removed.
    Object.defineProperty(this, "writableNeedDrain", {
      get: () => connection.writableNeedDrain && !this.writableEnded,
    });
    connection.on("drain", this.#onDrain);
    this.once("finish", () => linger(connection));
    // Reads ahead, within the limit of a stream, so that a disconnect is noticed.
    connection.read(0);
  }

  switchProtocols(headers: string[]): ByteStream {
    const connection = this.#connection;
    this.writeHead(101, headers);
    this.flushHeaders();
    this.#isSwitched = true;
    connection.off("drain", this.#onDrain);
    this.detachSocket(connection);
    return connection;
  }

  /** A client that ends its side before the response has disconnected, as in HTTP: nothing waits for the rest of what it sent. */
  #destroyAtEnd(): void {
    const connection = this.#connection;
    const push = connection.push.bind(connection);
    connection.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (chunk !== null || this.#isSwitched || this.writableEnded) return push(chunk, encoding);
      connection.destroy();
      return false;
    };
  }
}

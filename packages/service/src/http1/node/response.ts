import type { IncomingMessage } from "node:http";
import { ServerResponse } from "node:http";
import { TLSSocket } from "node:tls";
import type { BodyFraming, DownstreamResponse } from "../downstream.ts";
import { linger } from "../shared/linger.ts";
import { canDrain } from "../shared/unread-body.ts";

/** The class of a server's responses. */
export class NodeResponse<Request extends IncomingMessage = IncomingMessage>
  extends ServerResponse<Request>
  implements DownstreamResponse
{
  /** All of it was written, though its stream has not ended: the connection is closed after it, and the client may still send. */
  isWritten = false;

  /**
   * Resets the connection for HTTP/1.0, where its end would complete the body. HTTP/1.1's framing shows that the body is
   * incomplete, and so does TLS's missing close_notify (RFC 9112 §8, §9.8).
   */
  abort(): void {
    const { socket, req } = this;
    if (req.httpVersion === "1.0" && socket !== null && !(socket instanceof TLSSocket))
      socket.resetAndDestroy();
    this.destroy();
  }

  /** An unread body must not be taken for the next request. */
  respond(framing: BodyFraming, status: number, headers: readonly string[], body: string): void {
    const request = this.req;
    const length = status === 204 ? [] : ["Content-Length", String(Buffer.byteLength(body))];
    if (request.complete || canDrain(framing)) {
      this.writeHead(status, [...headers, ...length]);
      this.end(body);
      return;
    }
    this.shouldKeepAlive = false;
    this.writeHead(status, [...headers, ...length]);
    this.flushHeaders();
    drain(request);
    this.write(body, () => linger(request.socket));
    this.isWritten = true;
  }

  closeAfter(): void {
    this.shouldKeepAlive = false;
  }

  closeWithUnreadBody(): void {
    const request = this.req;
    this.shouldKeepAlive = false;
    drain(request);
    if (this.writableFinished) linger(request.socket);
    else this.once("finish", () => linger(request.socket));
  }

  continueOnRead(): void {
    const request = this.req;
    const resume = request.resume.bind(request);
    request.resume = () => {
      request.resume = resume;
      if (!this.headersSent) this.writeContinue();
      return resume();
    };
  }
}

/** Reads and drops the rest of a body: many clients read no response before they have sent the whole request. */
function drain(request: IncomingMessage): void {
  request.on("error", () => undefined);
  request.resume();
}

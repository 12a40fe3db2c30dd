import type { Socket } from "node:net";
import { deferred } from "../../../testkit/src/deferred.ts";
import { startRawTarget } from "../../../testkit/src/target.ts";
import type { Message, ParseResult } from "./fuzz-parser.ts";
import { readRequest, readRequestHead, readResponse } from "./fuzz-parser.ts";
import { within } from "./fuzz-run.ts";

/** A request as a target receives it. */
export interface ReceivedFuzzRequest {
  readonly socket: Socket;
  readonly head: Message;
  /** The complete request; never settles when the request is aborted. */
  readonly whole: Promise<{ readonly message: Message; readonly bytes: string }>;
  /** The bytes that the target sent on the connection before its first request. */
  readonly greeting: string;
}

/** A target that parses its requests strictly. */
export interface StrictUpstream extends AsyncDisposable {
  readonly url: string;
  /** The problems with received requests; reading clears them. */
  readonly faults: string[];
  /** The bytes to send on every new connection. */
  greeting: string;
  /** Waits until no connection is open. */
  drained(): Promise<void>;
}

/** @param hear called with every request once its head was received. */
export async function startStrictUpstream(
  onRequest: (asked: ReceivedFuzzRequest) => void,
): Promise<StrictUpstream> {
  const open = new Set<Socket>();
  const faults: string[] = [];
  let wake: () => void = () => undefined;
  let greeting = "";
  const target = await startRawTarget((socket) => {
    open.add(socket);
    socket.setNoDelay(true);
    socket.on("close", () => {
      open.delete(socket);
      wake();
    });
    if (greeting !== "") socket.write(Buffer.from(greeting, "latin1"));
    readRequests(socket, greeting, faults, onRequest);
  });
  return {
    url: target.url,
    faults,
    get greeting() {
      return greeting;
    },
    set greeting(args) {
      greeting = args;
    },
    async drained() {
      while (open.size > 0) {
        const { promise, resolve } = deferred<void>();
        wake = resolve;
        await within(promise, `the end of ${open.size} connections to the target`);
      }
    },
    [Symbol.asyncDispose]: () => target[Symbol.asyncDispose](),
  };
}

function readRequests(
  socket: Socket,
  greeting: string,
  faults: string[],
  onRequest: (asked: ReceivedFuzzRequest) => void,
): void {
  let received = "";
  /** What the target has sent since the latest request began. */
  let sent = "";
  let before = greeting;
  let resolve: ((whole: Awaited<ReceivedFuzzRequest["whole"]>) => void) | undefined;
  const write = socket.write.bind(socket);
  Object.assign(socket, {
    write(bytes: Buffer) {
      sent += bytes.toString("latin1");
      return write(bytes);
    },
  });
  const soundOf = (reading: ParseResult): Message | undefined => {
    if (reading.kind === "malformed") faults.push(`${reading.why}: ${received}`);
    return reading.kind === "whole" ? reading.message : undefined;
  };
  /** @returns whether another request may follow in what was received. */
  const readOne = (): boolean => {
    const head = soundOf(readRequestHead(received));
    if (head === undefined) return false;
    if (resolve === undefined) {
      const whole = deferred<Awaited<ReceivedFuzzRequest["whole"]>>();
      resolve = whole.resolve;
      sent = "";
      onRequest({ socket, head, whole: whole.promise, greeting: before });
      before = "";
    }
    const message = soundOf(readRequest(received));
    if (message === undefined) return false;
    resolve({ message, bytes: received.slice(0, message.end) });
    resolve = undefined;
    // A connection has one request at a time. The next one may come with the end of one whose response was early.
    const method = head.start.slice(0, head.start.indexOf(" "));
    const mayFollow = readResponse(sent, { method }).kind === "whole";
    const rest = received.slice(message.end);
    if (rest !== "" && !mayFollow) faults.push(`more than a request: ${received}`);
    received = mayFollow ? rest : "";
    return received !== "";
  };
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
    for (let isMore = true; isMore;) isMore = readOne();
  });
}

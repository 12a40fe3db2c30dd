import type { Socket } from "node:net";
import { promised } from "../src/testkit/promised.ts";
import { startRawTarget } from "../src/testkit/target.ts";
import type { Message, Reading } from "./fuzz-reader.ts";
import { readRequest, readRequestHead } from "./fuzz-reader.ts";
import { within } from "./fuzz-run.ts";

/** A request as a target hears it. */
export interface Asked {
  readonly socket: Socket;
  readonly head: Message;
  /** Never, when the request breaks off. */
  readonly whole: Promise<{ readonly message: Message; readonly bytes: string }>;
  /** What the target has said on the connection before it was asked for the first time. */
  readonly greeting: string;
}

/** A target that reads strictly what it is asked. */
export interface StrictTarget extends AsyncDisposable {
  readonly url: string;
  /** What was wrong with what came; whoever reads it clears it. */
  readonly faults: string[];
  /** Said on every new connection. */
  greeting: string;
  /** Waits until no connection is open. */
  drained(): Promise<void>;
}

/** `hear` is called with every request as soon as its head is there. */
export async function startStrictTarget(hear: (asked: Asked) => void): Promise<StrictTarget> {
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
    readRequests(socket, greeting, faults, hear);
  });
  return {
    url: target.url,
    faults,
    get greeting() {
      return greeting;
    },
    set greeting(words) {
      greeting = words;
    },
    async drained() {
      while (open.size > 0) {
        const { promise, resolve } = promised<void>();
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
  hear: (asked: Asked) => void,
): void {
  let received = "";
  let before = greeting;
  let resolve: ((whole: Awaited<Asked["whole"]>) => void) | undefined;
  const soundOf = (reading: Reading): Message | undefined => {
    if (reading.kind === "malformed") faults.push(`${reading.why}: ${received}`);
    return reading.kind === "whole" ? reading.message : undefined;
  };
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
    const head = soundOf(readRequestHead(received));
    if (head === undefined) return;
    if (resolve === undefined) {
      const whole = promised<Awaited<Asked["whole"]>>();
      resolve = whole.resolve;
      hear({ socket, head, whole: whole.promise, greeting: before });
      before = "";
    }
    const message = soundOf(readRequest(received));
    if (message === undefined) return;
    resolve({ message, bytes: received.slice(0, message.end) });
    // On one connection one thing is asked at a time.
    if (received.length > message.end) faults.push(`more than a request: ${received}`);
    received = "";
    resolve = undefined;
  });
}

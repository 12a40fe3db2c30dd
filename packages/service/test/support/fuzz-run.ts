import fc from "fast-check";
import { openRawConnection } from "../../../testkit/src/raw-connection.ts";
import type { Message } from "./fuzz-parser.ts";
import { readResponse } from "./fuzz-parser.ts";

/** How long each side is fuzzed, in seconds, without its table of known streams. */
const SECONDS = Number(process.env["FUZZ_SECONDS"] ?? 4);

/** Time for a test that fuzzes, in milliseconds: a case that begins in time may end later. */
export const FUZZ_TIMEOUT_MS: number = SECONDS * 1_000 + 120_000;

/** Longest wait: every time limit of the service ends long before, even on a slow machine. */
export const MAX_WAIT_MS = 30_000;

/**
 * Runs random cases until the time is over. When one fails, the rest of the time is used to find a smaller one. A run whose time was chosen
 * says its seed and how many cases it had: these are what a record of it needs.
 */
export async function fuzz<T>(cases: fc.Arbitrary<T>, play: (drawn: T) => Promise<void>): Promise<void> {
  const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);
  let playing = Promise.resolve();
  let count = 0;
  const property = fc.asyncProperty(cases, (drawn) => {
    count += 1;
    return (playing = play(drawn));
  });
  try {
    await fc.assert(property, {
      seed,
      numRuns: 1_000_000_000,
      interruptAfterTimeLimit: SECONDS * 1_000,
    });
    // The property returns before its last case has ended when the time is over.
    await playing;
    if ("FUZZ_SECONDS" in process.env)
      process.stdout.write(`FUZZ_SEED=${seed}: ${count} cases in ${SECONDS} s\n`);
  } catch (error) {
    throw new Error(`FUZZ_SEED=${seed} repeats it. ${String(error)}`, { cause: error });
  }
}

/** Rejects when a promise takes longer than all limits together. */
export async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: did not happen in time`)), MAX_WAIT_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Sends one request on a new connection, and returns its complete response. */
export async function sendRequest(port: number, request: string): Promise<Message> {
  await using connection = await openRawConnection(port);
  connection.send(request);
  const read = (): ReturnType<typeof readResponse> => readResponse(connection.received());
  await within(
    connection.until(() => read().kind === "whole"),
    "a response",
  );
  const response = read();
  if (response.kind !== "whole") throw new Error(`no response: ${connection.received()}`);
  return response.message;
}

/** Generates true in one of this many cases. */
export function rarely(one: number): fc.Arbitrary<boolean> {
  return fc.integer({ min: 1, max: one }).map((n) => n === one);
}

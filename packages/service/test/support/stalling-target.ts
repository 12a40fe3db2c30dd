import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { request as sendRequest } from "node:http";
import { expect } from "vitest";
import { deferred } from "../../../testkit/src/deferred.ts";
import type { ProcessResult } from "../../../testkit/src/run.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startStreamingTarget } from "../../../testkit/src/target.ts";
import type { ClientMachine } from "./client-machine.ts";
import { revoke } from "./client-machine.ts";

/** A target that leaves one exchange unfinished. */
export interface UnfinishedExchange {
  /** All requests that have arrived. */
  readonly requests: readonly unknown[];
  /** Resolves once a part of the exchange has passed. */
  readonly inFlight: Promise<void>;
  /** Resolves once the exchange has been aborted; an upload that arrived whole is an error. */
  readonly aborted: Promise<void>;
  /** Reads the rest of an upload. */
  readonly proceed?: () => void;
}

/** A server in front of a target, which leaves one exchange unfinished. */
export interface StallingTarget extends UnfinishedExchange, Omit<TestTarget, "requests"> {
  /** With the head alone. */
  readonly requests: readonly IncomingMessage[];
}

/** More than all buffers take between a client and a target that does not read. */
export const MORE_THAN_BUFFERED = 24 * 1_024 * 1_024;

export interface Stall {
  /** Which exchange is left unfinished. */
  readonly picks: (request: IncomingMessage) => boolean;
  /** The body that stops: an upload after its first piece, a download in its middle. */
  readonly body: "upload" | "download";
}

export async function startStallingTarget(
  target: { readonly url: string },
  { picks, body }: Stall,
): Promise<StallingTarget> {
  const [inFlight, aborted, proceeding] = [deferred<void>(), deferred<void>(), deferred<void>()];
  const requests: IncomingMessage[] = [];
  const server = await startStreamingTarget((request, response) => {
    requests.push(request);
    const isPicked = picks(request);
    if (isPicked && body === "upload") {
      request.once("data", () => {
        request.pause();
        inFlight.resolve();
        void proceeding.promise.then(() => request.resume());
      });
      request.on("error", () => undefined);
      request.on("end", () => aborted.reject(new Error("the whole upload has arrived")));
      request.on("close", () => aborted.resolve());
      return;
    }
    void passOn(target, request, response, isPicked).then(() => {
      if (isPicked) inFlight.resolve();
    });
    if (isPicked) response.on("close", () => aborted.resolve());
  });
  return {
    ...server,
    requests,
    inFlight: inFlight.promise,
    aborted: aborted.promise,
    proceed: () => proceeding.resolve(),
  };
}

/** Passes a request on, and its response, or the first half of it. */
async function passOn(
  { url }: { readonly url: string },
  request: IncomingMessage,
  response: ServerResponse,
  isHalf: boolean,
): Promise<void> {
  const { method, headers } = request;
  const upstream = sendRequest(new URL(request.url ?? "", url), { method, headers });
  upstream.on("error", () => response.destroy());
  request.pipe(upstream);
  const [received] = (await once(upstream, "response")) as [IncomingMessage];
  response.writeHead(received.statusCode ?? 502, received.headers);
  if (!isHalf) return void received.pipe(response);
  const whole = Buffer.concat(await received.toArray());
  response.write(whole.subarray(0, Math.ceil(whole.length / 2)));
}

/**
 * Revokes while an exchange of a running client is in flight. The target sees the
 * end, and no later request; the client reports a failure.
 *
 * @param end token of the capability that revokes.
 */
export async function expectCut(
  machine: ClientMachine,
  target: UnfinishedExchange,
  end: string,
  running: Promise<ProcessResult>,
): Promise<ProcessResult> {
  const early = running.then(({ stdout, stderr }) => {
    throw new Error(`the client ended before its exchange was in flight: ${stdout}${stderr}`);
  });
  await Promise.race([target.inFlight, early]);
  early.catch(() => undefined);
  const before = target.requests.length;
  await revoke(machine, end);
  target.proceed?.();
  await target.aborted;
  const result = await running;
  expect(result.code, result.stdout + result.stderr).not.toBe(0);
  expect(target.requests.length).toBe(before);
  return result;
}
